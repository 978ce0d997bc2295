/** A whole answer of Gemini (https://ai.google.dev/api/generate-content#GenerateContentResponse). */
import type { ChatAnswer, Choice, Part, TextPart } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf } from '../record.ts';
import type { AnswerPiece } from './answer-part.ts';
import { answerPiece, argumentsOf } from './answer-part.ts';
import { geminiUsage } from './dialect.ts';
import { blockedFinish, finishOf } from './finish.ts';
import { annotationsOf } from './grounding.ts';
import { logprobsOf } from './logprobs.ts';

/** Reads the body; what only a Gemini caller understands is in `extra`. */
export function readAnswer(body: JsonRecord): ChatAnswer {
  if (isRecord(body['error'])) throw new AnswerFault(`an error with a good status: ${errorText(body['error'])}`);
  const choices = readChoices(body);
  if (choices.length === 0) throw new AnswerFault('an answer without candidates, and without the reason for it');
  return {
    ...answerHead(body),
    choices,
    usage: geminiUsage(body['usageMetadata']),
    extra: { ...answerExtra(body), ...candidateExtras(body['candidates']) },
  };
}

const HEAD = new Set(['candidates', 'usageMetadata', 'responseId', 'modelVersion', 'createTime']);

/** What names an answer, whole or streamed. */
export function answerHead(body: JsonRecord): Pick<ChatAnswer, 'id' | 'model' | 'createdS'> {
  const { responseId, modelVersion, createTime } = body;
  const createdMs = typeof createTime === 'string' ? Date.parse(createTime) : Number.NaN;
  return {
    id: typeof responseId === 'string' ? responseId : '',
    model: typeof modelVersion === 'string' ? modelVersion : '',
    createdS: Number.isNaN(createdMs) ? null : Math.floor(createdMs / 1000),
  };
}

/** Other members of an answer, for a Gemini caller. */
export function answerExtra(body: JsonRecord): JsonRecord {
  return restOf(body, HEAD);
}

function errorText(error: JsonRecord): string {
  return `${String(error['status'])} ${String(error['message'])}`;
}

function readChoices(body: JsonRecord): readonly Choice[] {
  const { candidates } = body;
  if (Array.isArray(candidates) && candidates.length > 0)
    return candidates.map((candidate, index) => readCandidate(recordOf(candidate), index));
  const finish = blockedFinish(recordOf(body['promptFeedback']));
  return finish === null ? [] : [{ index: 0, parts: [], finish }];
}

function readCandidate(candidate: JsonRecord, position: number): Choice {
  const { parts } = recordOf(candidate['content']);
  const pieces = (Array.isArray(parts) ? parts : []).map(answerPiece);
  const read = told(joinedParts(pieces), candidate);
  const hasCalls = read.some(({ kind }) => kind === 'tool_call');
  return {
    index: countOf(candidate['index']) ?? position,
    parts: read,
    finish: finishOf(candidate['finishReason'], candidate['finishMessage'], hasCalls),
  };
}

/** An empty text that only carries a signature belongs to the text before it, where there is one. */
function joinedParts(pieces: readonly (AnswerPiece | null)[]): readonly Part[] {
  const parts: Part[] = [];
  for (const piece of pieces) {
    const part = piece === null ? null : partOf(piece);
    const last = parts.at(-1);
    if (part === null) continue;
    if (part.kind === 'text' && part.text === '' && last?.kind === 'text' && last.signature === undefined)
      parts[parts.length - 1] = { ...last, ...(part.signature === undefined ? {} : { signature: part.signature }) };
    else parts.push(part);
  }
  return parts;
}

function partOf(piece: AnswerPiece): Part | null {
  switch (piece.kind) {
    case 'text':
      if (piece.text === '' && piece.signature === null) return null;
      return { kind: 'text', text: piece.text, ...signed(piece) };
    case 'thinking':
      return piece.text === '' && piece.signature === null
        ? null
        : { kind: 'thinking', text: piece.text, signature: piece.signature };
    case 'call':
      return callPart(piece);
    case 'whole':
      return piece.part;
  }
}

function callPart(piece: Extract<AnswerPiece, { kind: 'call' }>): Part | null {
  const { id, name } = piece.call;
  if (typeof name !== 'string') return null;
  return {
    kind: 'tool_call',
    id: typeof id === 'string' ? id : '',
    name,
    arguments: argumentsOf(piece.call),
    ...signed(piece),
  };
}

function signed({ signature }: Extract<AnswerPiece, { kind: 'text' | 'thinking' | 'call' }>) {
  return signature === null ? {} : { signature };
}

/** The parts with what the candidate tells of their text: sources, and probabilities of the tokens. */
function told(parts: readonly Part[], candidate: JsonRecord): readonly Part[] {
  const first = parts.findIndex(({ kind }) => kind === 'text');
  const logprobs = logprobsOf(candidate['logprobsResult']);
  return parts.map((part, index) => {
    if (part.kind !== 'text') return part;
    const isOfText = (partIndex: number): boolean =>
      partIndex === index || (index === first && parts[partIndex]?.kind !== 'text');
    const annotations = annotationsOf(candidate, part.text, {
      isOfText,
      withUncited: index === first,
    });
    return textWith(part, index === first ? logprobs : [], annotations);
  });
}

function textWith(
  part: TextPart,
  logprobs: NonNullable<TextPart['logprobs']>,
  annotations: NonNullable<TextPart['annotations']>,
): TextPart {
  return {
    ...part,
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  };
}

function restOf(record: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !known.has(name)));
}

const CANDIDATE = new Set(['content', 'finishReason', 'finishMessage', 'index', 'logprobsResult']);

function candidateExtras(candidates: unknown): JsonRecord {
  if (!Array.isArray(candidates)) return {};
  const extras = candidates.map((candidate) => restOf(recordOf(candidate), CANDIDATE));
  return extras.every((extra) => Object.keys(extra).length === 0) ? {} : { candidates: extras };
}
