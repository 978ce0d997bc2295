/** The conversation as `system` and `messages` of Converse. */
import { fitCallId } from '../call-ids.ts';
import type { ChatRequest, Part, ThinkingPart, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { argumentsOfCustom } from '../custom-tool.ts';
import { RequestFault } from '../faults.ts';
import type { ExtraOwner } from '../own-extra.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined } from '../record.ts';
import type { Report } from '../report.ts';
import { partField, turnField } from '../turn-path.ts';
import { DocumentNames } from './document-names.ts';
import { mediaBlock } from './media.ts';

/** What Bedrock has long accepted as an id of a call (API_runtime_ToolUseBlock). */
const CALL_ID = /^[a-zA-Z0-9_-]{1,64}$/;

export interface Conversation {
  readonly system: readonly JsonRecord[];
  readonly messages: readonly JsonRecord[];
}

interface Writing {
  readonly owner: ExtraOwner;
  readonly report: Report;
  readonly names: DocumentNames;
  readonly caches: boolean;
}

interface Message {
  readonly role: 'user' | 'assistant';
  /** Results of tools stand before all else. */
  readonly results: JsonRecord[];
  readonly others: JsonRecord[];
  readonly extra: JsonRecord;
}

/** `caches` tells whether the model takes cache points. */
export function writeConversation(request: ChatRequest, caches: boolean, report: Report): Conversation {
  const owner = { extraOf: request.extraOf, dialect: 'bedrock', report } as const;
  const writing: Writing = { owner, report, names: new DocumentNames(), caches };
  const { turns } = request;
  const firstSaid = turns.findIndex(({ role }) => !isInstruction(role));
  const leading = firstSaid < 0 ? turns.length : firstSaid;
  const system = turns.slice(0, leading).flatMap((turn, i) => systemBlocks(turn, turnField(request, i), writing));
  const messages: Message[] = [];
  for (const [i, turn] of turns.entries()) if (i >= leading) addTurn(messages, turn, turnField(request, i), writing);
  return {
    system,
    messages: messages.map(({ role, results, others, extra }) => ({
      ...extra,
      role,
      content: [...results, ...others],
    })),
  };
}

function isInstruction(role: Turn['role']): boolean {
  return role === 'system' || role === 'developer';
}

function systemBlocks(turn: Turn, field: string, writing: Writing): JsonRecord[] {
  reportName(turn, field, writing);
  ownExtra(turn.extra, field, writing.owner);
  return turn.parts.flatMap((part, j) => {
    const place = partField(writing.owner, field, j);
    if (part.kind === 'text') return [...textBlocks(part.text, place, writing), ...cachePoint(part, place, writing)];
    if (isMedia(part))
      throw new RequestFault(place, 'Amazon Bedrock takes only text as instructions: send it as the user’s.');
    writing.report.dropped(place, 'Amazon Bedrock takes only text as instructions');
    return [];
  });
}

/** Neighbours of one role become one message: Converse wants the roles to alternate. */
function addTurn(messages: Message[], turn: Turn, field: string, writing: Writing): void {
  const role = turn.role === 'assistant' ? 'assistant' : 'user';
  if (isInstruction(turn.role))
    writing.report.approximated(field, 'instructions within the conversation are sent as words of the user');
  reportName(turn, field, writing);
  const extra = ownExtra(turn.extra, field, writing.owner);
  const last = messages.at(-1);
  const message: Message = last?.role === role ? last : { role, results: [], others: [], extra };
  for (const [j, part] of turn.parts.entries()) {
    const place = partField(writing.owner, field, j);
    const blocks = partBlocks(part, role, place, writing);
    const target = part.kind === 'tool_result' ? message.results : message.others;
    target.push(...blocks, ...(blocks.length > 0 ? cachePoint(part, place, writing) : []));
  }
  // What says nothing must not stand between neighbours.
  if (message !== last && message.results.length + message.others.length > 0) messages.push(message);
}

function reportName({ name }: Turn, field: string, { report }: Writing): void {
  if (name !== undefined) report.dropped(`${field}.name`, 'Amazon Bedrock has no names of participants');
}

function cachePoint({ cache }: Part, place: string, { caches, report }: Writing): JsonRecord[] {
  if (cache === undefined) return [];
  if (!caches) {
    report.dropped(`${place}.cache_control`, 'the model takes no cache points on Amazon Bedrock');
    return [];
  }
  return [cachePointBlock(cache.ttl)];
}

/** Five minutes are what `default` means. */
export function cachePointBlock(ttl: '5m' | '1h'): JsonRecord {
  return { cachePoint: { type: 'default', ...(ttl === '1h' ? { ttl } : {}) } };
}

function isMedia(part: Part): boolean {
  return part.kind === 'image' || part.kind === 'file' || part.kind === 'audio' || part.kind === 'video';
}

function partBlocks(part: Part, role: Message['role'], place: string, writing: Writing): JsonRecord[] {
  const extra = ownExtra(part.extra, place, writing.owner);
  const all = blocksOf(part, role, place, writing);
  const [first, ...rest] = all;
  return first === undefined ? [] : [{ ...extra, ...first }, ...rest];
}

function blocksOf(part: Part, role: Message['role'], place: string, writing: Writing): JsonRecord[] {
  const { report, names } = writing;
  switch (part.kind) {
    case 'text':
      return textBlocks(part.text, place, writing);
    case 'refusal':
      report.approximated(place, 'a refusal is sent as text');
      return textBlocks(part.text, place, writing);
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
      if (role === 'assistant') {
        report.dropped(place, 'Amazon Bedrock takes media only from the user');
        return [];
      }
      if (part.detail !== undefined && part.detail !== 'auto')
        report.dropped(`${place}.detail`, 'Amazon Bedrock cannot be told how closely to look');
      return [mediaBlock(part, place, names)];
    case 'thinking':
      return thinkingBlocks(part, place, report);
    case 'tool_call':
      return [toolUse(part, place, report)];
    case 'tool_result':
      return [toolResult(part, place, writing)];
    case 'opaque':
      if (part.of === 'bedrock') return [part.value];
      report.dropped(place, 'only the provider that made it understands it');
      return [];
  }
}

/** Bedrock refuses text that is blank. */
function textBlocks(text: string, place: string, { report }: Writing): JsonRecord[] {
  if (text.trim() !== '') return [{ text }];
  if (text !== '') report.dropped(place, 'Amazon Bedrock refuses blank text');
  return [];
}

function thinkingBlocks({ text, signature, redacted }: ThinkingPart, place: string, report: Report): JsonRecord[] {
  if (signature === null || (signature.of !== 'anthropic' && signature.of !== 'bedrock')) {
    report.dropped(place, 'reasoning goes back only to the family of models that signed it');
    return [];
  }
  if (redacted === true) return [{ reasoningContent: { redactedContent: signature.value } }];
  return [{ reasoningContent: { reasoningText: { text, signature: signature.value } } }];
}

function toolUse(call: ToolCallPart, place: string, report: Report): JsonRecord {
  return { toolUse: { toolUseId: callId(call.id), name: call.name, input: inputOf(call, place, report) } };
}

function callId(id: string): string {
  return fitCallId(id, CALL_ID, 'tooluse_', 30);
}

/** Models must be given an object. */
function inputOf(call: ToolCallPart, place: string, report: Report): JsonRecord {
  const text = call.custom === true ? argumentsOfCustom(call.arguments) : call.arguments;
  const input = text.trim() === '' ? {} : parsedOrUndefined(text);
  if (isRecord(input)) return input;
  report.approximated(place, 'arguments that are no JSON object are sent as one argument, arguments');
  return { arguments: call.arguments };
}

function toolResult(result: ToolResultPart, place: string, writing: Writing): JsonRecord {
  const content = result.parts.flatMap((part, k) => {
    const inner = `${place}.content[${k}]`;
    if (part.kind === 'text' || part.kind === 'refusal') return textBlocks(part.text, inner, writing);
    if (part.kind === 'image' || part.kind === 'file' || part.kind === 'video')
      return [mediaBlock(part, inner, writing.names)];
    if (part.kind === 'audio')
      throw new RequestFault(inner, 'Amazon Bedrock takes no sound as a tool’s result: send it as the user’s.');
    writing.report.dropped(inner, 'Amazon Bedrock takes only text and media as the result of a tool');
    return [];
  });
  // `success` is what Bedrock takes for granted, and not all models know the field.
  return {
    toolResult: { toolUseId: callId(result.callId), content, ...(result.isError ? { status: 'error' } : {}) },
  };
}
