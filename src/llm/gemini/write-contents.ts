/** Turns as `contents` and `systemInstruction`. */
import { reportCacheMark } from '../cache-mark.ts';
import type { ChatRequest, MediaPart, Part, ThinkingPart, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { toolNames } from '../canonical.ts';
import { argumentsOfCustom } from '../custom-tool.ts';
import { RequestFault } from '../faults.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import { conversationField, partField, turnField } from '../turn-path.ts';
import { argsOf } from './call-arguments.ts';
import { speaksGemini } from './caller.ts';
import type { Content } from './dummy-signature.ts';
import { withDummySignatures } from './dummy-signature.ts';
import { writeMedia } from './media.ts';
import { isBeforeGemini3, isGemini3 } from './model-names.ts';
import { responseOf } from './tool-result.ts';

/** `contents`, and `systemInstruction` where there are instructions. */
export function writeContents(request: ChatRequest, model: string, report: Report): JsonRecord {
  const { turns } = request;
  const writing: Writing = { request, model, report, names: toolNames(turns) };
  const firstOther = turns.findIndex(({ role }) => !isInstruction(role));
  // Google wants something to answer: the last instruction where there is nothing else.
  const leading = firstOther < 0 ? Math.max(0, turns.length - 1) : firstOther;
  const instructions = turns.slice(0, leading).flatMap((turn, index) => instructionParts(turn, index, writing));
  const extra = speaksGemini(request) && leading > 0 ? (turns[0]?.extra ?? {}) : {};
  const contents = joined(
    turns.slice(leading).map((turn, index) => writeTurn(turn, turnField(request, leading + index), writing)),
  );
  if (contents.length === 0)
    throw new RequestFault(
      conversationField(request),
      'The conversation is empty: send at least one message with content.',
    );
  return {
    ...(instructions.length === 0 ? {} : { systemInstruction: { ...extra, parts: instructions } }),
    contents: (isGemini3(model) ? withDummySignatures(contents, report) : contents).map((content): JsonRecord => ({
      ...content.extra,
      role: content.role,
      parts: content.parts,
    })),
  };
}

interface Writing {
  readonly request: ChatRequest;
  readonly model: string;
  readonly report: Report;
  readonly names: ReadonlyMap<string, string>;
}

function isInstruction(role: Turn['role']): boolean {
  return role === 'system' || role === 'developer';
}

function instructionParts(turn: Turn, index: number, writing: Writing): readonly JsonRecord[] {
  const field = turnField(writing.request, index);
  tellTurnMembers(turn, field, writing);
  return turn.parts.flatMap((part, at) => {
    if (part.kind === 'text' || part.kind === 'refusal')
      return writePart(part, partField(writing.request, field, at), writing);
    if (part.kind === 'opaque') return writeOpaque(part.of === 'gemini', part.value, field, writing);
    throw new RequestFault(
      partField(writing.request, field, at),
      'Instructions to this model can be text only: put other content into a user message.',
    );
  });
}

/** The neighbours of a role are one content. */
function joined(contents: readonly Content[]): readonly Content[] {
  const all: { extra: JsonRecord; readonly role: Content['role']; readonly parts: JsonRecord[] }[] = [];
  for (const { extra, role, parts } of contents) {
    const last = all.at(-1);
    if (parts.length === 0) continue;
    if (last?.role !== role) all.push({ extra, role, parts: [...parts] });
    else {
      last.extra = { ...last.extra, ...extra };
      for (const part of parts) last.parts.push(part);
    }
  }
  return all;
}

function writeTurn(turn: Turn, field: string, writing: Writing): Content {
  tellTurnMembers(turn, field, writing);
  if (isInstruction(turn.role))
    writing.report.approximated(`${field}.role`, 'instructions after the first message go as a user message');
  const parts = turn.parts.flatMap((part, index) => writePart(part, partField(writing.request, field, index), writing));
  const extra = speaksGemini(writing.request) ? (turn.extra ?? {}) : {};
  return { extra, role: turn.role === 'assistant' ? 'model' : 'user', parts };
}

function tellTurnMembers(turn: Turn, field: string, { report, request }: Writing): void {
  if (turn.name !== undefined) report.dropped(`${field}.name`, 'the provider has no names of participants');
  ownExtra(turn.extra, field, { extraOf: request.extraOf, dialect: 'gemini', report });
}

function writePart(part: Part, field: string, writing: Writing): readonly JsonRecord[] {
  reportCacheMark(part, writing.report);
  switch (part.kind) {
    case 'text':
      if (part.text === '' && part.signature?.of !== 'gemini') return [];
      return [{ ...extraOf(part, field, writing), text: part.text, ...signed(part) }];
    case 'refusal':
      writing.report.approximated(field, 'a refusal goes as text');
      return part.text === '' ? [] : [{ text: part.text }];
    case 'thinking':
      return writeThinking(part, field, writing);
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
      return [writeMediaPart(part, field, writing)];
    case 'tool_call':
      return [writeCall(part, field, writing)];
    case 'tool_result':
      return writeResult(part, field, writing);
    case 'opaque':
      return writeOpaque(part.of === 'gemini', part.value, field, writing);
  }
}

/** The caller's other members where the caller speaks Gemini; else they are told. */
function extraOf(part: Part, field: string, { request, report }: Writing): JsonRecord {
  return ownExtra(part.extra, field, { extraOf: request.extraOf, dialect: 'gemini', report });
}

function signed({ signature }: Pick<ToolCallPart, 'signature'>): JsonRecord {
  return signature?.of === 'gemini' ? { thoughtSignature: signature.value } : {};
}

/** A Gemini client's own unsigned summaries may go back; thoughts of others are nothing to Gemini. */
function writeThinking(part: ThinkingPart, field: string, writing: Writing): readonly JsonRecord[] {
  const isOwn = part.signature === null ? speaksGemini(writing.request) : part.signature.of === 'gemini';
  if (isOwn)
    return [
      {
        ...extraOf(part, field, writing),
        text: part.text,
        thought: true,
        ...(part.signature === null ? {} : { thoughtSignature: part.signature.value }),
      },
    ];
  writing.report.dropped(field, 'reasoning of another model cannot be sent back to this one');
  return [];
}

function writeMediaPart(part: MediaPart, field: string, writing: Writing): JsonRecord {
  const { report, request } = writing;
  const named = speaksGemini(request);
  if (part.source.kind === 'url')
    report.approximated(field, 'the provider itself fetches the address, if the host lets it');
  if (part.filename !== undefined && !named) report.dropped(`${field}.filename`, 'the provider takes no file names');
  if (part.detail !== undefined && part.detail !== 'auto')
    report.dropped(`${field}.detail`, 'the provider decides how closely it looks');
  return { ...merged(extraOf(part, field, writing), writeMedia(part, field, named)), ...signed(part) };
}

/** Members that are objects on both sides are joined; what is written wins. */
function merged(extra: JsonRecord, written: JsonRecord): JsonRecord {
  return {
    ...extra,
    ...Object.fromEntries(
      Object.entries(written).map(([name, value]) => [name, { ...recordOf(extra[name]), ...recordOf(value) }]),
    ),
  };
}

function writeCall(part: ToolCallPart, field: string, writing: Writing): JsonRecord {
  const args = argsOf(part.custom === true ? argumentsOfCustom(part.arguments) : part.arguments);
  if (args === null)
    writing.report.approximated(`${field}.arguments`, 'arguments that are no JSON object go as {"input": …}');
  const call = { ...idOf(part.id), name: part.name, args: args ?? { input: part.arguments } };
  return { ...merged(extraOf(part, field, writing), { functionCall: call }), ...signed(part) };
}

function idOf(id: string): JsonRecord {
  return id === '' ? {} : { id };
}

function writeResult(part: ToolResultPart, field: string, writing: Writing): readonly JsonRecord[] {
  const name = part.name ?? writing.names.get(part.callId);
  if (name === undefined)
    throw new RequestFault(field, `"${field}" answers a call that is not in the conversation: send the call, too.`);
  const media = part.parts.flatMap((each, index) => resultMedia(each, `${field}.content[${index}]`, writing));
  // Only since Gemini 3 a result holds media (https://ai.google.dev/gemini-api/docs/function-calling).
  const apart = isBeforeGemini3(writing.model);
  if (apart && media.length > 0)
    writing.report.approximated(field, 'media of a tool result go beside it: the model takes none within');
  const within = apart || media.length === 0 ? {} : { parts: media };
  const result = { ...idOf(part.callId), name, response: responseOf(part), ...within };
  const extra = extraOf(part, field, writing);
  return [
    { ...extra, functionResponse: { ...recordOf(extra['functionResponse']), ...result } },
    ...(apart ? media : []),
  ];
}

function resultMedia(part: Part, field: string, writing: Writing): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return [];
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
      return [writeMediaPart(part, field, writing)];
    case 'opaque':
      return writeOpaque(part.of === 'gemini', part.value, field, writing);
    default:
      writing.report.dropped(field, 'a tool result holds text and media only');
      return [];
  }
}

function writeOpaque(isOwn: boolean, value: JsonRecord, field: string, { report }: Writing): readonly JsonRecord[] {
  if (isOwn) return [value];
  report.dropped(field, 'only its own provider understands it');
  return [];
}
