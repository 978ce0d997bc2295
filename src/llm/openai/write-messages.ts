/** Turns as the messages of a provider's request. */
import type {
  MediaPart,
  Part,
  RefusalPart,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
} from '../canonical.ts';
import { argumentsOfCustom } from '../custom-tool.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import { partField, turnField } from '../turn-path.ts';
import type { Writing } from './chat-variant.ts';
import { vendorDetails } from './reasoning-details.ts';

/** A turn, and where the caller finds it. */
interface Placed {
  readonly turn: Turn;
  readonly path: string;
}

export function writeMessages(writing: Writing): readonly JsonRecord[] {
  const { turns } = writing.request;
  const messages: JsonRecord[] = [];
  let waiting: JsonRecord[] = [];
  for (const [at, turn] of turns.entries()) {
    const path = turnField(writing.request, at);
    const results = turn.parts.filter((part) => part.kind === 'tool_result');
    // Media out of results come after all results of the calls before, which must not be torn apart.
    if (results.length === 0 && waiting.length > 0) {
      messages.push({ role: 'user', content: waiting });
      waiting = [];
    }
    for (const result of results)
      messages.push(
        writeResult(result, writing, partField(writing.request, path, turn.parts.indexOf(result)), waiting),
      );
    const rest = results.length === 0 ? turn.parts : turn.parts.filter((part) => part.kind !== 'tool_result');
    if (results.length > 0 && rest.length === 0) continue;
    messages.push(writeTurn({ turn: { ...turn, parts: rest }, path }, writing, waiting));
    waiting = [];
  }
  if (waiting.length > 0) messages.push({ role: 'user', content: waiting });
  return inOrder(messages, writing);
}

/** What a vendor asks of the order of messages. */
function inOrder(messages: readonly JsonRecord[], { variant, report }: Writing): readonly JsonRecord[] {
  const ordered = variant.anyOrder
    ? messages
    : bridged(instructionsFirst(messages.filter(saysSomething), report), report);
  const last = ordered.at(-1);
  if (!variant.prefixMark || last?.['role'] !== 'assistant') return ordered;
  return [...ordered.slice(0, -1), { ...last, prefix: true }];
}

function saysSomething({ role, content, tool_calls }: JsonRecord): boolean {
  return role !== 'assistant' || content !== '' || tool_calls !== undefined;
}

/** Instructions between messages go as words of the user. */
function instructionsFirst(messages: readonly JsonRecord[], report: Report): readonly JsonRecord[] {
  const first = messages.findIndex(({ role }) => role !== 'system');
  // Something must be there to answer: the last of them where there is nothing else.
  const leading = first < 0 ? messages.length - 1 : first;
  return messages.map((message, at) => {
    if (message['role'] !== 'system' || at < leading) return message;
    report.approximated('messages', 'instructions between messages go as a message of the user');
    return { ...message, role: 'user' };
  });
}

function bridged(messages: readonly JsonRecord[], report: Report): readonly JsonRecord[] {
  return messages.flatMap((message, at) => {
    if (message['role'] !== 'user' || messages[at - 1]?.['role'] !== 'tool') return [message];
    report.approximated('messages', 'the provider wants a word of the assistant after the result of a tool');
    return [{ role: 'assistant', content: 'OK.' }, message];
  });
}

function writeTurn({ turn, path }: Placed, writing: Writing, before: readonly JsonRecord[]): JsonRecord {
  const members = { ...writing.extras(turn.extra, path), ...writeName(turn, writing, path) };
  switch (turn.role) {
    case 'assistant':
      return { ...members, role: 'assistant', ...writeAssistant(turn.parts, writing, path) };
    case 'user':
      return { ...members, role: 'user', content: writeContent(turn.parts, writing, path, before) };
    case 'system':
    case 'developer': {
      const role = turn.role === 'developer' && writing.variant.developerRole ? 'developer' : 'system';
      return { ...members, role, content: writeInstructions(turn.parts, writing, path) };
    }
  }
}

function writeName({ name }: Turn, { variant, report }: Writing, path: string): JsonRecord {
  if (name === undefined) return {};
  if (variant.names) return { name };
  report.dropped(`${path}.name`, 'the provider has no names of participants');
  return {};
}

function writeInstructions(parts: readonly Part[], writing: Writing, path: string): string | readonly JsonRecord[] {
  const medium = parts.find((part) => part.kind !== 'text' && part.kind !== 'opaque');
  if (medium !== undefined)
    throw new RequestFault(path, `"${path}": instructions hold text only. Move the ${medium.kind} to a user message.`);
  return writeContent(parts, writing, path, []);
}

/** A string where the content is text and nothing else, else a list. */
function writeContent(
  parts: readonly Part[],
  writing: Writing,
  path: string,
  before: readonly JsonRecord[],
): string | readonly JsonRecord[] {
  const written = [
    ...before,
    ...parts.flatMap((part, at) => writePart(part, writing, partField(writing.request, path, at))),
  ];
  const texts = written.map(plainText);
  if (!texts.every((text) => text !== null)) return written;
  if (texts.length <= 1) return texts[0] ?? '';
  return writing.variant.textLists ? written : texts.join('\n\n');
}

function plainText(part: JsonRecord): string | null {
  const text = part['text'];
  return part['type'] === 'text' && typeof text === 'string' && Object.keys(part).length === 2 ? text : null;
}

function writePart(part: Part, writing: Writing, path: string): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return [{ ...writing.extras(part.extra, path), type: 'text', text: part.text, ...writing.cacheMark(part) }];
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
      return [
        { ...writing.variant.writeMedia(part, path, writing.extras(part.extra, path)), ...writing.cacheMark(part) },
      ];
    case 'opaque':
      return writeOpaque(part.of, part.value, writing, path);
    case 'refusal':
    case 'thinking':
    case 'tool_call':
    case 'tool_result':
      writing.report.dropped(path, `a ${part.kind} has no place in this message`);
      return [];
  }
}

function writeOpaque(of: string, value: JsonRecord, writing: Writing, path: string): readonly JsonRecord[] {
  if (of === writing.variant.dialect) return [value];
  writing.report.dropped(path, 'only the provider that made it understands it');
  return [];
}

function writeAssistant(parts: readonly Part[], writing: Writing, path: string): JsonRecord {
  const thinking = parts.filter((part) => part.kind === 'thinking');
  const calls = parts.filter((part) => part.kind === 'tool_call');
  const content = writeSpoken(parts, thinking, writing, path);
  return {
    ...writeThinking(thinking, writing, path),
    content: content ?? (calls.length > 0 ? null : ''),
    ...writeEarlierAudio(parts, writing, path),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, at) => writeCall(call, writing, `${path}.tool_calls[${at}]`)),
    }),
  };
}

/** Text and refusals; null for none. The texts of one answer belong together, so that they are joined as they are. */
function writeSpoken(
  parts: readonly Part[],
  thinking: readonly ThinkingPart[],
  writing: Writing,
  path: string,
): string | readonly JsonRecord[] | null {
  const spoken = parts.filter(
    (part): part is TextPart | RefusalPart => part.kind === 'text' || part.kind === 'refusal',
  );
  const written = spoken.map((part): JsonRecord => {
    const members = { ...writing.extras(part.extra, `${path}.content`), ...writing.cacheMark(part) };
    return part.kind === 'text'
      ? { ...members, type: 'text', text: part.text }
      : { ...members, type: 'refusal', refusal: part.text };
  });
  const before = writing.variant.thinking === 'content' ? writeThinkingChunks(thinking, writing, path) : [];
  const opaque = parts.flatMap((part) =>
    part.kind === 'opaque' ? writeOpaque(part.of, part.value, writing, `${path}.content`) : [],
  );
  const all = [...before, ...written, ...opaque];
  if (all.length === 0) return null;
  const texts = all.map(plainText);
  if (texts.every((text) => text !== null)) return texts.join('');
  return writing.variant.dialect === 'mistral' ? all.map(refusalAsText) : all;
}

/** Mistral has no refusals. */
function refusalAsText(part: JsonRecord): JsonRecord {
  return part['type'] === 'refusal' ? { type: 'text', text: part['refusal'] } : part;
}

function writeThinking(thinking: readonly ThinkingPart[], writing: Writing, path: string): JsonRecord {
  if (thinking.length === 0) return {};
  switch (writing.variant.thinking) {
    case 'content':
      return {};
    case 'reasoning_details':
      return { reasoning_details: vendorDetails(thinking) };
    case 'reasoning_content': {
      const text = thinking.map((part) => part.text).join('');
      if (text !== '') return { reasoning_content: text };
      break;
    }
    case 'none':
  }
  writing.report.dropped(`${path}.reasoning_content`, 'the provider takes no earlier reasoning back');
  return {};
}

/** Only models that reason take it back; what is hidden behind a signature says nothing to them. */
function writeThinkingChunks(
  thinking: readonly ThinkingPart[],
  { target, report }: Writing,
  path: string,
): readonly JsonRecord[] {
  const shown = target.traits.reasoning === true ? thinking.filter((part) => part.text !== '') : [];
  if (shown.length < thinking.length)
    report.dropped(`${path}.reasoning_content`, 'the model does not take this reasoning back');
  return shown.map(({ text }) => ({ type: 'thinking', thinking: [{ type: 'text', text }] }));
}

function writeEarlierAudio(parts: readonly Part[], { variant, report }: Writing, path: string): JsonRecord {
  const media = parts.filter(isMedia);
  if (media.length === 0) return {};
  const own = media.find((part) => part.kind === 'audio' && part.source.kind === 'id' && part.source.of === 'openai');
  if (own?.source.kind === 'id' && variant.dialect === 'openai') return { audio: { id: own.source.id } };
  report.dropped(`${path}.content`, 'the provider takes no media of the assistant');
  return {};
}

function isMedia(part: Part): part is MediaPart {
  return part.kind === 'image' || part.kind === 'file' || part.kind === 'audio' || part.kind === 'video';
}

function writeCall(call: ToolCallPart, writing: Writing, path: string): JsonRecord {
  const extra = writing.extras(call.extra, path);
  const id = writing.variant.fitId(call.id);
  const { name } = call;
  if (call.custom === true && writing.takesCustomTools)
    return { ...extra, id, type: 'custom', custom: { ...recordOf(extra['custom']), name, input: call.arguments } };
  const args = call.custom === true ? argumentsOfCustom(call.arguments) : call.arguments;
  return { ...extra, id, type: 'function', function: { ...recordOf(extra['function']), name, arguments: args } };
}

function writeResult(result: ToolResultPart, writing: Writing, path: string, waiting: JsonRecord[]): JsonRecord {
  if (result.isError)
    writing.report.approximated(`${path}.is_error`, 'the provider tells no failures apart: the result says it');
  const keepsMedia = writing.variant.resultMedia;
  const inside = keepsMedia ? result.parts : result.parts.filter((part) => !isMedia(part));
  if (!keepsMedia && inside.length < result.parts.length) {
    writing.report.approximated(`${path}.content`, 'media of a tool result follow in a user message');
    for (const part of result.parts) if (isMedia(part)) waiting.push(...writePart(part, writing, path));
  }
  return {
    ...writing.extras(result.extra, path),
    ...writing.cacheMark(result),
    role: 'tool',
    tool_call_id: writing.variant.fitId(result.callId),
    ...writeResultName(result, writing),
    content: writeContent(inside, writing, path, []),
  };
}

/** Mistral takes the tool's name; OpenAI does not, but goes without it when the caller wrote it so. */
function writeResultName({ name }: ToolResultPart, { variant, isOwnDialect }: Writing): JsonRecord {
  return name !== undefined && (isOwnDialect || variant.dialect === 'mistral') ? { name } : {};
}
