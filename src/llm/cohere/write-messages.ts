/** The conversation as `messages` of v2 chat, and documents of the user as `documents`. */
import { reportCacheMark } from '../cache-mark.ts';
import type { ChatRequest, MediaPart, Part, TextPart, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { argumentsOfCustom } from '../custom-tool.ts';
import { RequestFault } from '../faults.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined } from '../record.ts';
import type { Report } from '../report.ts';
import { partField, turnField } from '../turn-path.ts';

export interface Conversation {
  readonly messages: readonly JsonRecord[];
  readonly documents: readonly JsonRecord[];
}

interface Writing {
  readonly request: ChatRequest;
  /** The model reasons: it takes its plans back as reasoning, the others as `tool_plan`. */
  readonly reasons: boolean;
  readonly report: Report;
  readonly documents: JsonRecord[];
}

export function writeConversation(request: ChatRequest, { traits }: TargetModel, report: Report): Conversation {
  const reasons = traits.reasoning === true && request.reasoning?.enabled !== false;
  const writing: Writing = { request, reasons, report, documents: [] };
  const messages = request.turns.flatMap((turn, i) => messagesOf(turn, turnField(request, i), writing));
  return { messages, documents: writing.documents };
}

function messagesOf(turn: Turn, field: string, writing: Writing): readonly JsonRecord[] {
  const { request, report } = writing;
  const owner = { extraOf: request.extraOf, dialect: 'cohere', report } as const;
  const extra = ownExtra(turn.extra, field, owner);
  if (turn.name !== undefined) report.dropped(`${field}.name`, 'Cohere has no names of participants');
  for (const [j, part] of turn.parts.entries()) {
    const place = partField(request, field, j);
    ownExtra(part.extra, place, { ...owner, dialect: 'cohere' });
    reportCacheMark(part, report);
  }
  if (turn.role === 'assistant') return assistantMessage(turn, field, extra, writing);
  if (turn.role === 'user') return userMessages(turn, field, extra, writing);
  return saidMessage('system', turn, field, extra, writing);
}

/** Each result is a message of its own, before what the user says. */
function userMessages(turn: Turn, field: string, extra: JsonRecord, writing: Writing): readonly JsonRecord[] {
  const results = turn.parts.flatMap((part, j) =>
    part.kind === 'tool_result' ? [toolMessage(part, partField(writing.request, field, j), writing)] : [],
  );
  return [...results, ...saidMessage('user', turn, field, extra, writing)];
}

function saidMessage(
  role: 'user' | 'system',
  turn: Turn,
  field: string,
  extra: JsonRecord,
  writing: Writing,
): readonly JsonRecord[] {
  const blocks = turn.parts.flatMap((part, j) => saidBlocks(role, part, partField(writing.request, field, j), writing));
  return blocks.length === 0 ? [] : [{ ...extra, role, content: shortest(blocks) }];
}

/** A single text needs no list. */
function shortest(blocks: readonly JsonRecord[]): unknown {
  const [only, second] = blocks;
  return second === undefined && typeof only?.['text'] === 'string' ? only['text'] : blocks;
}

function saidBlocks(role: 'user' | 'system', part: Part, place: string, writing: Writing): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text: part.text }];
    case 'image':
      if (role === 'user') return [image(part, place)];
      throw new RequestFault(place, 'Cohere takes only text as instructions: send the image as the user’s.');
    case 'file':
      return document(part, place, writing);
    case 'audio':
    case 'video':
      throw new RequestFault(place, `Cohere takes no ${part.kind}: send text or images, or choose another model.`);
    case 'tool_result':
      if (role === 'system') writing.report.dropped(place, 'results of tools are told by the user');
      return [];
    case 'thinking':
    case 'tool_call':
      writing.report.dropped(place, 'only the assistant reasons and calls tools');
      return [];
    case 'opaque':
      return opaque(part, place, writing);
  }
}

function opaque(part: Extract<Part, { kind: 'opaque' }>, place: string, { report }: Writing): readonly JsonRecord[] {
  if (part.of === 'cohere') return [part.value];
  report.dropped(place, 'only the provider that made it understands it');
  return [];
}

function image({ source, mediaType, detail }: MediaPart, place: string): JsonRecord {
  const image_url = { url: imageUrl(source, mediaType, place), ...(detail === undefined ? {} : { detail }) };
  return { type: 'image_url', image_url };
}

function imageUrl(source: MediaPart['source'], mediaType: string | null, place: string): string {
  if (source.kind === 'url') return source.url;
  if (source.kind !== 'base64')
    throw new RequestFault(place, 'Cohere cannot read an image that lies elsewhere: send it in base64 or by URL.');
  if (mediaType === null) throw new RequestFault(place, 'Say the media type of the image, for example image/png.');
  return `data:${mediaType};base64,${source.data}`;
}

/** Cohere takes documents of text only, beside the conversation. */
function document(part: MediaPart, place: string, { documents, report }: Writing): readonly JsonRecord[] {
  const text = documentText(part);
  if (text === null)
    throw new RequestFault(place, 'Cohere takes only documents of plain text: send the text, or choose another model.');
  report.approximated(place, 'a document is sent beside the conversation');
  const title = part.filename === undefined ? {} : { title: part.filename };
  documents.push({ id: `doc:${documents.length}`, data: { text, ...title } });
  return [];
}

function documentText({ source, mediaType }: MediaPart): string | null {
  if (source.kind === 'text') return source.text;
  const isText = mediaType !== null && /^(text\/|application\/(json|xml)\b)/.test(mediaType);
  return source.kind === 'base64' && isText ? Buffer.from(source.data, 'base64').toString('utf8') : null;
}

function toolMessage(result: ToolResultPart, place: string, { report }: Writing): JsonRecord {
  if (result.isError)
    report.approximated(`${place}.is_error`, 'the provider tells no failures apart: the result says it');
  const texts = result.parts.flatMap((part, k) => {
    const inner = `${place}.content[${k}]`;
    if (part.kind === 'text' || part.kind === 'refusal') return [part.text];
    if (part.kind === 'file' && documentText(part) !== null) return [documentText(part) ?? ''];
    if (
      part.kind === 'opaque' ||
      part.kind === 'thinking' ||
      part.kind === 'tool_call' ||
      part.kind === 'tool_result'
    ) {
      report.dropped(inner, 'Cohere takes only text as the result of a tool');
      return [];
    }
    throw new RequestFault(inner, 'Cohere takes only text as a tool’s result: send the medium as the user’s.');
  });
  const content = texts.length === 1 ? texts[0] : texts.map((text) => ({ type: 'text', text }));
  return { role: 'tool', tool_call_id: result.callId, content: texts.length === 0 ? '' : content };
}

function assistantMessage(turn: Turn, field: string, extra: JsonRecord, writing: Writing): readonly JsonRecord[] {
  const { report } = writing;
  const texts: TextPart[] = [];
  const calls: ToolCallPart[] = [];
  const thoughts: string[] = [];
  const others: JsonRecord[] = [];
  const willCall = turn.parts.some(({ kind }) => kind === 'tool_call');
  for (const [j, part] of turn.parts.entries()) {
    const place = partField(writing.request, field, j);
    if (part.kind === 'text') texts.push(part);
    else if (part.kind === 'refusal') {
      report.approximated(place, 'a refusal is sent as text');
      texts.push({ kind: 'text', text: part.text });
    } else if (part.kind === 'tool_call') calls.push(part);
    else if (part.kind === 'thinking' && part.signature === null && willCall) thoughts.push(part.text);
    else if (part.kind === 'opaque') others.push(...opaque(part, place, writing));
    else report.dropped(place, 'Cohere does not take it back from the assistant');
  }
  if (calls.length > 0) return [callingMessage({ texts, calls, thoughts, field, extra }, writing)];
  const blocks = [...texts.filter(({ text }) => text !== '').map(({ text }) => ({ type: 'text', text })), ...others];
  return blocks.length === 0 ? [] : [{ ...extra, role: 'assistant', content: shortest(blocks) }];
}

interface Calling {
  readonly texts: readonly TextPart[];
  readonly calls: readonly ToolCallPart[];
  readonly thoughts: readonly string[];
  readonly field: string;
  readonly extra: JsonRecord;
}

/**
 * Cohere refuses text beside calls: it must be the plan, in `tool_plan`, or reasoning where the model
 * reasons (its own message in github.com/vercel/ai/issues/5794).
 */
function callingMessage({ texts, calls, thoughts, field, extra }: Calling, writing: Writing): JsonRecord {
  const { report, reasons } = writing;
  const plan = [...thoughts, ...texts.map(({ text }) => text)].filter((text) => text !== '').join('\n');
  if (texts.some(({ text }) => text !== ''))
    report.approximated(`${field}.content`, 'what is said before calls is sent as the plan for them');
  const planned = reasons ? { content: [{ type: 'thinking', thinking: plan }] } : { tool_plan: plan };
  return {
    ...extra,
    role: 'assistant',
    ...(plan === '' ? {} : planned),
    tool_calls: calls.map((call, j) => toolCall(call, `${field}.tool_calls[${j}]`, report)),
  };
}

function toolCall(call: ToolCallPart, place: string, report: Report): JsonRecord {
  return {
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: argumentsText(call, place, report) },
  };
}

function argumentsText(call: ToolCallPart, place: string, report: Report): string {
  if (call.custom === true) return argumentsOfCustom(call.arguments);
  return isRecord(parsedOrUndefined(call.arguments)) ? call.arguments : fallback(call, place, report);
}

function fallback({ arguments: text }: ToolCallPart, place: string, report: Report): string {
  if (text.trim() === '') return '{}';
  report.approximated(place, 'arguments that are no JSON object are sent as one argument, arguments');
  return JSON.stringify({ arguments: text });
}
