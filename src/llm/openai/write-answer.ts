/** A whole answer as a client of this dialect receives it. */
import { packCallId } from '../call-ids.ts';
import type { ChatAnswer, Choice, MediaPart, Part, TextPart, ThinkingPart, ToolCallPart } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { writeAnnotation } from './annotations.ts';
import { writeFinish } from './finish.ts';
import { writeLogprobs } from './logprobs.ts';
import { dataUrl } from './media.ts';
import { clientDetails } from './reasoning-details.ts';
import { writeUsage } from './usage.ts';

export function writeAnswer(answer: ChatAnswer, context: AnswerContext, report: Report): JsonRecord {
  return {
    ...ownMembers(answer.extra),
    id: answerId(answer.id, context),
    object: 'chat.completion',
    created: answer.createdS ?? context.nowS,
    model: context.model,
    choices: answer.choices.map((choice) => writeChoice(choice, context, report)),
    ...(answer.usage !== null && { usage: writeUsage(answer.usage) }),
  };
}

export function answerId(id: string, { requestId }: AnswerContext): string {
  return id === '' ? `chatcmpl-${requestId}` : id;
}

/** Members that are of this dialect or of a vendor that speaks it: an answer's extras may be of another. */
const OWN_MEMBERS = [
  'system_fingerprint',
  'service_tier',
  'moderation',
  'citations',
  'search_results',
  'prompt_filter_results',
] as const;

export function ownMembers(extra: JsonRecord): JsonRecord {
  return Object.fromEntries(
    OWN_MEMBERS.filter((name) => Object.hasOwn(extra, name)).map((name) => [name, extra[name]]),
  );
}

function writeChoice(choice: Choice, context: AnswerContext, report: Report): JsonRecord {
  const path = `choices[${choice.index}].message`;
  const { parts } = choice;
  const calls = parts.filter((part) => part.kind === 'tool_call');
  const refusal = joined(parts, 'refusal');
  const isLegacy = context.request.legacyFunctions === true;
  const finish = writeFinish(choice.finish, { hasCall: calls.length > 0, hasRefusal: refusal !== null });
  for (const { kind } of parts) reportLost(kind, path, report);
  return {
    index: choice.index,
    message: {
      role: 'assistant',
      content: joined(parts, 'text') ?? (holdsElse(parts) ? null : ''),
      refusal,
      ...writeThinking(parts, context),
      ...writeAnnotations(parts, path, report),
      ...writeMedia(parts),
      ...(isLegacy ? writeFunctionCall(calls, path, report) : writeCalls(calls)),
    },
    logprobs: logprobsOf(parts),
    finish_reason: isLegacy && finish === 'tool_calls' ? 'function_call' : finish,
  };
}

function joined(parts: readonly Part[], kind: 'text' | 'refusal'): string | null {
  const texts = parts.flatMap((part) => (part.kind === kind ? [part.text] : []));
  return texts.length === 0 ? null : texts.join('');
}

function holdsElse(parts: readonly Part[]): boolean {
  return parts.some(({ kind }) => kind === 'tool_call' || kind === 'refusal' || kind === 'audio');
}

/** `path`: of the message or the delta. */
export function reportLost(kind: Part['kind'], path: string, report: Report): void {
  const isLost = kind === 'opaque' || kind === 'file' || kind === 'video' || kind === 'tool_result';
  if (isLost) report.dropped(`${path}.content`, `this format has no ${kind} in an answer`);
}

/** Details are told where something is signed, or said in several parts: only they can be sent back whole. */
function writeThinking(parts: readonly Part[], { request }: AnswerContext): JsonRecord {
  const thinking = parts.filter((part) => part.kind === 'thinking');
  const text = thinking.map((part) => part.text).join('');
  return {
    ...(text !== '' && request.reasoning?.show !== false && { reasoning_content: text }),
    ...(needsDetails(thinking) && { reasoning_details: clientDetails(thinking) }),
  };
}

function needsDetails(thinking: readonly ThinkingPart[]): boolean {
  return thinking.length > 1 || thinking.some(({ signature }) => signature !== null);
}

function writeAnnotations(parts: readonly Part[], path: string, report: Report): JsonRecord {
  let offset = 0;
  const annotations: JsonRecord[] = [];
  for (const part of textsOf(parts)) {
    for (const annotation of part.annotations ?? []) {
      const written = writeAnnotation(annotation, offset, path, report);
      if (written !== null) annotations.push(written);
    }
    offset += part.text.length;
  }
  return annotations.length === 0 ? {} : { annotations };
}

function textsOf(parts: readonly Part[]): readonly TextPart[] {
  return parts.filter((part) => part.kind === 'text');
}

function writeMedia(parts: readonly Part[]): JsonRecord {
  const images = parts.filter(isImage).flatMap(writeImage);
  const audio = parts.find(isAudio);
  return {
    ...(audio !== undefined && writeAudio(audio)),
    ...(images.length > 0 && { images }),
  };
}

function isImage(part: Part): part is MediaPart {
  return part.kind === 'image';
}

function isAudio(part: Part): part is MediaPart {
  return part.kind === 'audio';
}

/** OpenRouter's form of an image that the model made. */
export function writeImage({ source, mediaType }: MediaPart): readonly JsonRecord[] {
  if (source.kind !== 'base64' && source.kind !== 'url') return [];
  const url = source.kind === 'url' ? source.url : dataUrl(source.data, mediaType, 'image/png');
  return [{ type: 'image_url', image_url: { url } }];
}

export function writeAudio({ source, extra }: MediaPart): JsonRecord {
  return source.kind === 'base64'
    ? { audio: { id: '', expires_at: 0, transcript: '', ...extra, data: source.data } }
    : {};
}

function writeCalls(calls: readonly ToolCallPart[]): JsonRecord {
  return calls.length === 0 ? {} : { tool_calls: calls.map(writeCall) };
}

function writeCall({ id, signature, name, arguments: args, custom }: ToolCallPart): JsonRecord {
  const packed = packCallId(id, signature);
  return custom === true
    ? { id: packed, type: 'custom', custom: { name, input: args } }
    : { id: packed, type: 'function', function: { name, arguments: args } };
}

/** The form of 2023 knows one call. */
function writeFunctionCall(calls: readonly ToolCallPart[], path: string, report: Report): JsonRecord {
  const [first] = calls;
  if (first === undefined) return {};
  if (calls.length > 1) report.dropped(`${path}.function_call`, 'more than one call needs "tools" in the request');
  return { function_call: { name: first.name, arguments: first.arguments } };
}

function logprobsOf(parts: readonly Part[]): JsonRecord | null {
  const tokens = textsOf(parts).flatMap((part) => part.logprobs ?? []);
  return tokens.length === 0 ? null : writeLogprobs('content', tokens);
}
