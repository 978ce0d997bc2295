/** A whole answer for a Gemini client. */
import type { ChatAnswer, Choice, Finish, Part } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import { finishMembers } from './finish.ts';
import type { AnnotatedText } from './grounding.ts';
import { sourceMembers } from './grounding.ts';
import { logprobsMember } from './logprobs.ts';
import { usageMetadata } from './usage.ts';
import { callPart, mediaPart, signatureMember, textPart } from './write-part.ts';

/** The body of a `GenerateContentResponse`. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext, report: Report): JsonRecord {
  const { candidates: extras, promptFeedback, modelStatus } = answer.extra;
  return {
    ...(promptFeedback === undefined ? {} : { promptFeedback }),
    ...(modelStatus === undefined ? {} : { modelStatus }),
    ...(isBlockedPrompt(answer) ? {} : { candidates: writeCandidates(answer.choices, extras, report) }),
    ...(answer.usage === null ? {} : { usageMetadata: usageMetadata(answer.usage) }),
    modelVersion: context.model,
    ...(answer.createdS === null ? {} : { createTime: new Date(answer.createdS * 1000).toISOString() }),
    responseId: answer.id === '' ? context.requestId : answer.id,
  };
}

/** Google tells a refused prompt without candidates. */
function isBlockedPrompt({ choices, extra }: ChatAnswer): boolean {
  return (
    recordOf(extra['promptFeedback'])['blockReason'] !== undefined && choices.every(({ parts }) => parts.length === 0)
  );
}

function writeCandidates(choices: readonly Choice[], extras: unknown, report: Report): readonly JsonRecord[] {
  const known: readonly unknown[] = Array.isArray(extras) ? extras : [];
  return choices.map((choice, position) => ({ ...writeCandidate(choice, report), ...recordOf(known[position]) }));
}

function writeCandidate({ index, parts, finish }: Choice, report: Report): JsonRecord {
  const field = `candidates[${index}]`;
  reportStopString(finish, field, report);
  const texts: AnnotatedText[] = [];
  const written: JsonRecord[] = [];
  for (const [position, part] of parts.entries()) {
    const each = writePart(part, `${field}.content.parts[${position}]`, report);
    if (each === null) continue;
    if (part.kind === 'text' && part.annotations !== undefined)
      texts.push({ partIndex: written.length, text: part.text, annotations: part.annotations });
    written.push(each);
  }
  const logprobs = parts.flatMap((part) => (part.kind === 'text' ? (part.logprobs ?? []) : []));
  const lostCall = written.length < parts.length && isUnusableCall(parts);
  return {
    content: { role: 'model', parts: written.length === 0 ? [{ text: '' }] : written },
    ...(lostCall && finish.reason === 'tool_calls'
      ? { finishReason: 'MALFORMED_FUNCTION_CALL' }
      : finishMembers(finish)),
    index,
    ...logprobsMember(logprobs),
    ...sourceMembers(texts, field, report),
  };
}

export function reportStopString({ stopSequence }: Finish, field: string, report: Report): void {
  if (stopSequence !== undefined)
    report.dropped(`${field}.stopSequence`, 'the format does not tell which stop string ended the answer');
}

export function reportRefusal(field: string, report: Report): void {
  report.approximated(field, 'a refusal goes as text');
}

function isUnusableCall(parts: readonly Part[]): boolean {
  return parts.some((part) => part.kind === 'tool_call' && callPart(part) === null);
}

function writePart(part: Part, field: string, report: Report): JsonRecord | null {
  switch (part.kind) {
    case 'text':
      return { ...textPart(part.text, false), ...signatureMember(part.signature) };
    case 'refusal':
      reportRefusal(field, report);
      return textPart(part.text, false);
    case 'thinking':
      return { ...textPart(part.text, true), ...signatureMember(part.signature, part.redacted) };
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
      return told(mediaPart(part), field, LOST.media, report);
    case 'tool_call':
      return told(callPart(part), field, LOST.call, report);
    case 'tool_result':
      report.dropped(field, 'an answer holds no results of tools');
      return null;
    case 'opaque':
      return told(part.of === 'gemini' ? part.value : null, field, LOST.opaque, report);
  }
}

/** Why a part does not go on. */
export const LOST = {
  media: 'the file lies at its provider',
  call: 'the arguments of the call are no JSON object',
  opaque: 'only its own dialect understands it',
} as const;

function told(part: JsonRecord | null, field: string, reason: string, report: Report): JsonRecord | null {
  if (part === null) report.dropped(field, reason);
  return part;
}
