/** `system` and `messages` of a request to Anthropic. */
import type { Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { partField, turnField } from '../turn-path.ts';
import type { BlockContext } from './write-blocks.ts';
import { writeBlock } from './write-blocks.ts';
import { extraMembers } from './write-members.ts';

/** A message whose content is always an array. */
export interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly JsonRecord[];
  readonly extra: JsonRecord;
}

export interface Conversation {
  /** The blocks of the instructions that lead. */
  readonly system: readonly JsonRecord[];
  readonly messages: readonly Message[];
}

export function writeConversation(context: BlockContext): Conversation {
  const { request } = context;
  const { turns } = request;
  const first = turns.findIndex(({ role }) => role === 'user' || role === 'assistant');
  const leading = first < 0 ? turns.length : first;
  const system = turns
    .slice(0, leading)
    .flatMap((turn, index) => systemBlocks(turn, turnField(request, index), context));
  const rest = turns.slice(leading).map((turn, index) => writeTurn(turn, turnField(request, leading + index), context));
  const messages = joined(rest.filter(({ content }) => content.length > 0)).map(resultsFirst);
  return { system, messages: withoutTrailingSpace(messages, context) };
}

function systemBlocks(turn: Turn, path: string, context: BlockContext): readonly JsonRecord[] {
  reportName(turn, path, context);
  return turn.parts.flatMap((part, index) => {
    const place = partField(context.request, path, index);
    if (isMedia(part))
      throw new RequestFault(place, 'Instructions are text: put images and files into a user message.');
    return writeBlock(part, place, context);
  });
}

function isMedia({ kind }: Part): boolean {
  return kind === 'image' || kind === 'file' || kind === 'audio' || kind === 'video';
}

function writeTurn(turn: Turn, path: string, context: BlockContext): Message {
  const { request, report } = context;
  reportName(turn, path, context);
  const content = turn.parts.flatMap((part, index) => {
    const place = partField(request, path, index);
    return isMisplaced(part, turn) ? dropped(place, context) : writeBlock(part, place, context);
  });
  return {
    role: roleOf(turn, path, context),
    content,
    extra: extraMembers(turn.extra, path, request, report),
  };
}

/** Newer models take instructions between messages, older ones refuse them: who asks in this format knows. */
function roleOf({ role }: Turn, path: string, { request, report }: BlockContext): Message['role'] {
  if (role === 'user' || role === 'assistant') return role;
  if (request.extraOf === 'anthropic' && role === 'system') return role;
  report.approximated(path, 'instructions between messages go as a message of the user');
  return 'user';
}

/** Reasoning and calls are the assistant's. */
function isMisplaced({ kind }: Part, { role }: Turn): boolean {
  return role !== 'assistant' && (kind === 'thinking' || kind === 'tool_call');
}

function dropped(path: string, { report }: BlockContext): readonly JsonRecord[] {
  report.dropped(path, 'it belongs into a message of the assistant');
  return [];
}

function reportName({ name }: Turn, path: string, { report }: BlockContext): void {
  if (name !== undefined) report.dropped(`${path}.name`, 'the provider takes no names of participants');
}

function joined(messages: readonly Message[]): readonly Message[] {
  const out: { role: Message['role']; content: JsonRecord[]; extra: JsonRecord }[] = [];
  for (const { role, content, extra } of messages) {
    const last = out.at(-1);
    if (last?.role === role) {
      last.content.push(...content);
      last.extra = { ...last.extra, ...extra };
    } else out.push({ role, content: [...content], extra });
  }
  return out;
}

/** All results of an answer's calls must stand at the start of the one message that follows it. */
function resultsFirst(message: Message): Message {
  if (message.role !== 'user') return message;
  const isResult = (block: JsonRecord): boolean => block['type'] === 'tool_result';
  const results = message.content.filter(isResult);
  if (results.length === 0) return message;
  return { ...message, content: [...results, ...message.content.filter((block) => !isResult(block))] };
}

/** The API refuses white space at the end of a text that the model is to continue. */
function withoutTrailingSpace(messages: readonly Message[], { report }: BlockContext): readonly Message[] {
  const last = messages.at(-1);
  const block = last?.content.at(-1);
  const text = block?.['text'];
  if (last?.role !== 'assistant' || block?.['type'] !== 'text' || typeof text !== 'string') return messages;
  const trimmed = text.trimEnd();
  if (trimmed === text) return messages;
  report.approximated('messages', 'white space at the end of the last message is left out');
  return [...messages.slice(0, -1), { ...last, content: [...last.content.slice(0, -1), { ...block, text: trimmed }] }];
}

/** A text alone as a string, as callers write it. */
export function contentMember(content: readonly JsonRecord[]): string | readonly JsonRecord[] {
  const [only] = content;
  if (content.length !== 1 || only === undefined || Object.keys(only).length !== 2) return content;
  return only['type'] === 'text' && typeof only['text'] === 'string' ? only['text'] : content;
}
