/**
 * A stream for a Gemini client: server-sent events where it asked for `alt=sse`, else one JSON array.
 * The last piece holds the finish reasons and the usage, so both wait for the end. It has an empty
 * text: the official client forgets a conversation whose pieces hold no part.
 */
import type { AnswerEvent, Annotation, Finish, PartStart, StreamError, TokenLogprob } from '../canonical.ts';
import type { AnswerContext, StreamWriter } from '../codec.ts';
import type { PublicError, Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import { eventText } from '../sse.ts';
import { errorBody, statusName } from './dialect.ts';
import { finishMembers } from './finish.ts';
import { sourceMembers } from './grounding.ts';
import { logprobsMember } from './logprobs.ts';
import { usageMetadata } from './usage.ts';
import { LOST, reportRefusal, reportStopString } from './write-answer.ts';
import { callPart, mediaPart, signatureMember, textPart } from './write-part.ts';

/** How the pieces stand in the stream. */
interface Framing {
  piece(json: string): string;
  end(): string;
}

/** Server-sent events: what `alt=sse` asks for. */
export function geminiEventStream(context: AnswerContext, report: Report): StreamWriter {
  return streamWriter(context, report, { piece: (json) => eventText(null, json), end: () => '' });
}

/** One JSON array: what `streamGenerateContent` gives without `alt=sse`. */
export function geminiArrayStream(context: AnswerContext, report: Report): StreamWriter {
  let isFirst = true;
  return streamWriter(context, report, {
    piece(json) {
      const before = isFirst ? '[' : ',\r\n';
      isFirst = false;
      return before + json;
    },
    end: () => (isFirst ? '[]' : ']'),
  });
}

/** What is known of a choice while it is written. */
interface ChoiceState {
  open: OpenPart | null;
  /** All that is said and no reasoning: places of sources are told in it. */
  text: string;
  readonly annotations: Annotation[];
  readonly logprobs: TokenLogprob[];
  hasLostCall: boolean;
  hasParts: boolean;
  finish: Finish | null;
  isFinishWritten: boolean;
}

interface OpenPart {
  readonly start: PartStart;
  text: string;
  readonly annotations: Annotation[];
  rawSignature: Extract<AnswerEvent, { type: 'signature' }> | null;
}

function streamWriter(context: AnswerContext, report: Report, framing: Framing): StreamWriter {
  const choices = new Map<number, ChoiceState>();
  let id = '';
  let extra: JsonRecord = {};
  let usage: Usage | null = null;
  let isBroken = false;
  let isOver = false;
  return { write: (event) => (isOver ? '' : write(event)), fail };

  function write(event: AnswerEvent): string {
    switch (event.type) {
      case 'start':
        id = event.id;
        extra = event.extra;
        return '';
      case 'usage':
        usage = event.usage;
        return '';
      case 'finish':
        return finish(event.choice, event.finish);
      case 'error':
        isOver = true;
        return framing.piece(JSON.stringify(streamError(event.error))) + framing.end();
      case 'end':
        isOver = true;
        return lastPiece() + framing.end();
      default:
        return parts(event.choice, writePartEvent(stateOf(event.choice), event, report));
    }
  }

  function fail(error: PublicError): string {
    if (isOver) return '';
    isOver = true;
    return framing.piece(errorBody(error)) + framing.end();
  }

  function stateOf(choice: number): ChoiceState {
    const known = choices.get(choice);
    if (known !== undefined) return known;
    const state: ChoiceState = {
      open: null,
      text: '',
      annotations: [],
      logprobs: [],
      hasLostCall: false,
      hasParts: false,
      finish: null,
      isFinishWritten: false,
    };
    choices.set(choice, state);
    return state;
  }

  function parts(choice: number, written: readonly JsonRecord[]): string {
    if (written.length === 0) return '';
    return piece({ candidates: [{ content: { role: 'model', parts: written }, index: choice }] });
  }

  function piece(members: JsonRecord): string {
    const responseId = id === '' ? context.requestId : id;
    return framing.piece(JSON.stringify({ ...members, modelVersion: context.model, responseId }));
  }

  function finish(choice: number, told: Finish): string {
    stateOf(choice).finish = told;
    reportStopString(told, `candidates[${choice}]`, report);
    // No end follows a stream that broke off: what it tells of its finish goes at once.
    isBroken ||= told.reason === 'incomplete';
    return isBroken ? lastPiece() : '';
  }

  function lastPiece(): string {
    const ending = [...choices].filter(([, { finish: known, isFinishWritten }]) => known !== null && !isFinishWritten);
    for (const [, state] of ending) state.isFinishWritten = true;
    const counts = usage === null ? {} : { usageMetadata: usageMetadata(usage) };
    const isBlocked = recordOf(extra['promptFeedback'])['blockReason'] !== undefined;
    if (isBlocked && ending.every(([, { hasParts }]) => !hasParts)) return piece({ ...extra, ...counts });
    if (ending.length === 0) return usage === null ? '' : piece(counts);
    return piece({ candidates: ending.map(([choice, state]) => lastCandidate(choice, state, report)), ...counts });
  }
}

function lastCandidate(index: number, state: ChoiceState, report: Report): JsonRecord {
  const { finish, hasLostCall, logprobs, text, annotations } = state;
  const ending =
    hasLostCall && finish?.reason === 'tool_calls'
      ? { finishReason: 'MALFORMED_FUNCTION_CALL' }
      : finishMembers(finish ?? { reason: 'stop' });
  return {
    content: { role: 'model', parts: [{ text: '' }] },
    ...ending,
    index,
    ...logprobsMember(logprobs),
    ...sourceMembers([{ partIndex: 0, text, annotations }], `candidates[${index}]`, report),
  };
}

type PartEvent = Extract<AnswerEvent, { type: 'open' | 'delta' | 'annotation' | 'logprobs' | 'signature' | 'close' }>;

/** What of the event can be sent: a call waits until it is whole. */
function writePartEvent(state: ChoiceState, event: PartEvent, report: Report): readonly JsonRecord[] {
  const written = writeEvent(state, event, report);
  if (written.length > 0) state.hasParts = true;
  return written;
}

function writeEvent(state: ChoiceState, event: PartEvent, report: Report): readonly JsonRecord[] {
  const { open } = state;
  const field = `candidates[${event.choice}].content`;
  switch (event.type) {
    case 'open':
      state.open = { start: event.start, text: '', annotations: [], rawSignature: null };
      if (event.start.kind === 'refusal') reportRefusal(field, report);
      return wholePart(event.start, field, report);
    case 'delta':
      if (open === null) return [];
      open.text += event.text;
      return isCall(open.start) || event.text === '' ? [] : [textPart(event.text, open.start.kind === 'thinking')];
    case 'annotation':
      open?.annotations.push(event.annotation);
      return [];
    case 'logprobs':
      state.logprobs.push(...event.logprobs);
      return [];
    case 'signature':
      if (open !== null) open.rawSignature = event;
      return [];
    case 'close':
      state.open = null;
      return open === null ? [] : closedPart(state, open, field, report);
  }
}

function isCall(start: PartStart): boolean {
  return start.kind === 'tool_call';
}

function wholePart(start: PartStart, field: string, report: Report): readonly JsonRecord[] {
  switch (start.kind) {
    case 'image':
    case 'file':
    case 'audio':
    case 'video': {
      const part = mediaPart(start);
      if (part === null) report.dropped(field, LOST.media);
      return part === null ? [] : [part];
    }
    case 'opaque':
      if (start.of === 'gemini') return [start.value];
      report.dropped(field, LOST.opaque);
      return [];
    default:
      return [];
  }
}

/** A signature of text comes after it, with an empty text, as Google sends it. */
function closedPart(state: ChoiceState, open: OpenPart, field: string, report: Report): readonly JsonRecord[] {
  const { start, text, annotations, rawSignature } = open;
  if (start.kind === 'tool_call') {
    const signature = rawSignature === null ? {} : { signature: rawSignature.signature };
    const call = callPart({ ...start, arguments: text, ...signature });
    if (call === null) {
      state.hasLostCall = true;
      report.dropped(field, LOST.call);
    }
    return call === null ? [] : [call];
  }
  if (start.kind === 'text' || start.kind === 'refusal') {
    state.annotations.push(...annotations.map((annotation) => movedBy(state.text.length, annotation)));
    state.text += text;
  }
  if (rawSignature === null) return [];
  const signature = signatureMember(rawSignature.signature, rawSignature.redacted);
  return [{ ...textPart('', start.kind === 'thinking'), ...signature }];
}

function movedBy(units: number, annotation: Annotation): Annotation {
  const { from, to } = annotation;
  return { ...annotation, from: from === null ? null : from + units, to: to === null ? null : to + units };
}

function streamError({ message, status }: StreamError): JsonRecord {
  return { error: { code: status, message, status: statusName(status) } };
}
