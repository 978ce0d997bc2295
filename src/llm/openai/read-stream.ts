/** A stream of a provider of this dialect, chunk by chunk. */
import type { Annotation, AnswerEvent, TokenLogprob } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import type { DialectName } from '../dialect.ts';
import { EventReader } from '../event-reader.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, parsedOrUndefined, recordOf, textOf } from '../record.ts';
import { movedBack, readAnnotations, readReferences, readSources } from './annotations.ts';
import { argumentsOf, audioPart, messageOf, readImages, readPieces } from './answer-content.ts';
import type { ContentPiece } from './answer-content.ts';
import { ChoiceParts } from './choice-parts.ts';
import { openaiUsage } from './dialect.ts';
import { readFinish } from './finish.ts';
import { readLogprobs } from './logprobs.ts';
import { answerExtra } from './read-answer.ts';
import { readReasoning } from './reasoning-details.ts';
import { readStreamError } from './stream-error.ts';
import { ThinkTags } from '../think-tags.ts';

interface ChoiceState {
  readonly parts: ChoiceParts;
  readonly tags: ThinkTags;
  /** Of text that is held back. */
  logprobs: readonly TokenLogprob[];
  /** The provider's word for the end, once it came. */
  raw: string | null;
  toldSources: boolean;
  /** Sound comes in pieces of base64, each padded for itself. */
  audio: { readonly pieces: Buffer[]; members: JsonRecord } | null;
}

/** Holds every finish back to the end of the stream: what some vendors send after it still counts. */
export class ChatStreamReader implements StreamReader {
  readonly #onEvent: (event: AnswerEvent) => void;
  readonly #dialect: DialectName;
  readonly #events: EventReader;
  readonly #choices = new Map<number, ChoiceState>();
  #early: JsonRecord = {};
  #sawEvent = false;
  #isStarted = false;
  #isOver = false;

  constructor(onEvent: (event: AnswerEvent) => void, dialect: DialectName) {
    this.#onEvent = onEvent;
    this.#dialect = dialect;
    this.#events = new EventReader((name, data) => this.#event(name, data));
  }

  push(chunk: Uint8Array): void {
    if (!this.#isOver) this.#events.push(chunk);
  }

  end(): void {
    if (this.#isOver) return;
    this.#events.end();
    if (this.#isOver) return;
    if (this.#sawEvent && !this.#isStarted) throw new AnswerFault('the stream holds no chunk of a chat completion');
    this.#finishAll();
    this.#isOver = true;
  }

  #event(name: string, data: string): void {
    if (this.#isOver) return;
    this.#sawEvent = true;
    if (data.trim() === '[DONE]') return this.#done();
    const chunk = parsedOrUndefined(data);
    if (!isRecord(chunk)) return;
    const error = readStreamError(name === 'error' && !isRecord(chunk['error']) ? { error: chunk } : chunk);
    if (error === null) return this.#chunk(chunk);
    this.#isOver = true;
    this.#onEvent({ type: 'error', error });
  }

  #done(): void {
    this.#isOver = true;
    if (!this.#isStarted) throw new AnswerFault('the stream ends before it begins');
    this.#finishAll();
    this.#onEvent({ type: 'end' });
  }

  #chunk(chunk: JsonRecord): void {
    const choices = Array.isArray(chunk['choices']) ? chunk['choices'].filter(isRecord) : [];
    const usage = openaiUsage(chunk['usage']) ?? openaiUsage(recordOf(chunk['x_groq'])['usage']);
    // Azure's first chunk has neither an id nor choices.
    if (choices.length > 0 || usage !== null) this.#start(chunk);
    else if (!this.#isStarted) this.#early = { ...this.#early, ...answerExtra(chunk) };
    const sources = readSources(chunk, this.#dialect);
    for (const choice of choices) {
      this.#choice(choice, sources);
      if (this.#isOver) return;
    }
    if (usage !== null) this.#onEvent({ type: 'usage', usage });
  }

  #start(chunk: JsonRecord): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#onEvent({
      type: 'start',
      id: textOf(chunk['id']),
      model: textOf(chunk['model']),
      createdS: countOf(chunk['created']),
      extra: withoutPadding({ ...this.#early, ...answerExtra(chunk) }),
    });
  }

  #choice(choice: JsonRecord, sources: readonly Annotation[]): void {
    const error = readStreamError(choice);
    if (error !== null) {
      this.#isOver = true;
      return this.#onEvent({ type: 'error', error });
    }
    const state = this.#stateOf(countOf(choice['index']) ?? 0);
    this.#delta(state, messageOf(choice), choice, sources);
    const raw = textOf(choice['finish_reason']);
    // The first word that says more than `stop` counts.
    if (raw !== '' && (state.raw === null || state.raw === 'stop')) state.raw = raw;
  }

  #stateOf(index: number): ChoiceState {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const parts = new ChoiceParts(index, this.#onEvent);
    const tags = new ThinkTags();
    const state = { parts, tags, logprobs: [], raw: null, toldSources: false, audio: null };
    this.#choices.set(index, state);
    return state;
  }

  #delta(state: ChoiceState, delta: JsonRecord, choice: JsonRecord, sources: readonly Annotation[]): void {
    const { parts, tags } = state;
    const reasoning = readReasoning(delta);
    if (reasoning.length > 0) say(parts, tags.end());
    for (const { text, signature, redacted, index } of reasoning) {
      if (text !== '') parts.said('thinking', text, index);
      if (signature !== null) parts.signed(signature, redacted, index);
    }
    say(parts, tags.read(readPieces(delta['content'])));
    if (saysMore(delta)) say(parts, tags.end());
    const refusal = textOf(delta['refusal']);
    if (refusal !== '') parts.said('refusal', refusal);
    this.#aboutText(state, delta, choice, sources);
    for (const image of readImages(delta['images'])) parts.media(image);
    if (isRecord(delta['audio'])) hear(state, delta['audio']);
    callDeltas(delta, parts);
  }

  #aboutText(state: ChoiceState, delta: JsonRecord, choice: JsonRecord, sources: readonly Annotation[]): void {
    const { parts, tags } = state;
    const annotations = [
      ...movedBack(readAnnotations(delta['annotations'], this.#dialect), tags.removed),
      ...readReferences(delta['content'], this.#dialect),
    ];
    if (annotations.length > 0) parts.annotated(annotations);
    if (sources.length > 0 && !state.toldSources) state.toldSources = parts.annotated(sources);
    const logprobs = [...state.logprobs, ...readLogprobs(choice['logprobs'])];
    state.logprobs = tags.isAtStart ? logprobs : [];
    if (!tags.isAtStart && logprobs.length > 0) parts.logprobs(logprobs);
  }

  #finishAll(): void {
    const states = [...this.#choices.values()];
    for (const { parts, tags, logprobs, raw, audio } of states) {
      say(parts, tags.end());
      if (logprobs.length > 0) parts.logprobs(logprobs);
      if (audio !== null) parts.media(audioPart(Buffer.concat(audio.pieces).toString('base64'), audio.members));
      parts.finish(readFinish(raw, parts));
    }
  }
}

/** OpenAI pads chunks against the reading of their lengths. */
function withoutPadding({ obfuscation: _obfuscation, ...members }: JsonRecord): JsonRecord {
  return members;
}

function say(parts: ChoiceParts, pieces: readonly ContentPiece[]): void {
  for (const { kind, text } of pieces) parts.said(kind, text);
}

/** Whether something stands behind the content. Some vendors send empty lists with every chunk. */
function saysMore({ refusal, images, tool_calls: calls, function_call: legacy }: JsonRecord): boolean {
  const isFilled = (list: unknown): boolean => Array.isArray(list) && list.length > 0;
  return textOf(refusal) !== '' || isFilled(images) || isFilled(calls) || isRecord(legacy);
}

function hear(state: ChoiceState, audio: JsonRecord): void {
  const { data, transcript, ...members } = audio;
  state.audio ??= { pieces: [], members: {} };
  if (typeof data === 'string') state.audio.pieces.push(Buffer.from(data, 'base64'));
  const before = textOf(state.audio.members['transcript']);
  state.audio.members = { ...state.audio.members, ...members, transcript: before + textOf(transcript) };
}

function callDeltas(delta: JsonRecord, parts: ChoiceParts): void {
  const calls = delta['tool_calls'];
  if (Array.isArray(calls)) for (const call of calls.filter(isRecord)) callDelta(call, parts);
  const legacy = delta['function_call'];
  if (!isRecord(legacy)) return;
  parts.called({
    index: 0,
    id: '',
    name: textOf(legacy['name']),
    arguments: argumentsOf(legacy['arguments']),
    custom: false,
  });
}

function callDelta(call: JsonRecord, parts: ChoiceParts): void {
  const custom = isRecord(call['custom']);
  const { name, arguments: args, input } = recordOf(custom ? call['custom'] : call['function']);
  parts.called({
    index: countOf(call['index']),
    id: textOf(call['id']),
    name: textOf(name),
    arguments: custom ? textOf(input) : argumentsOf(args),
    custom,
  });
}
