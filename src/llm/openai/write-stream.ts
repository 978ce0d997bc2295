/** A stream as a client of this dialect receives it: data-only events, the last one `[DONE]`. */
import { packCallId } from '../call-ids.ts';
import type { AnswerEvent, Finish, PartStart, Signature } from '../canonical.ts';
import type { AnswerContext, StreamWriter } from '../codec.ts';
import type { PublicError, Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { eventText } from '../sse.ts';
import { writeAnnotation } from './annotations.ts';
import { openaiErrorBody } from './dialect.ts';
import { writeFinish } from './finish.ts';
import { writeLogprobs } from './logprobs.ts';
import { signatureDetail, textDetail } from './reasoning-details.ts';
import { writeUsage } from './usage.ts';
import { answerId, ownMembers, reportLost, writeAudio, writeImage } from './write-answer.ts';

interface ChoiceState {
  hasBegun: boolean;
  /** The part that is open. */
  open: PartStart | null;
  /**
   * A call's first chunk waits for the second piece of its arguments or its close: a signature that
   * comes before, as with calls that are told at once, goes into the id.
   */
  waitingCall: { readonly id: string; signature: Signature | undefined; first: string | null } | null;
  calls: number;
  thoughts: number;
  hasRefusal: boolean;
  /** Of text, up to the open part's beginning; and within it. */
  textBefore: number;
  textLength: number;
}

export class ChatStreamWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #report: Report;
  readonly #wholeCalls: boolean;
  readonly #choices = new Map<number, ChoiceState>();
  #head: JsonRecord;
  #usage: Usage | null = null;
  #isOver = false;

  /** `wholeCalls`: for clients that read a call in one piece only, and no `usage: null`. */
  constructor(context: AnswerContext, report: Report, { wholeCalls = false }: { readonly wholeCalls?: boolean } = {}) {
    this.#context = context;
    this.#report = report;
    this.#wholeCalls = wholeCalls;
    this.#head = this.#headOf('', null, {});
  }

  write(event: AnswerEvent): string {
    if (this.#isOver) return '';
    switch (event.type) {
      case 'start':
        this.#head = this.#headOf(event.id, event.createdS, event.extra);
        return '';
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'error': {
        this.#isOver = true;
        const { message, type } = event.error;
        return eventText(null, JSON.stringify({ error: { message, type, param: null, code: null } }));
      }
      case 'end':
        this.#isOver = true;
        return this.#usageText() + eventText(null, '[DONE]');
      default:
        return this.#choiceText(event, this.#stateOf(event.choice));
    }
  }

  fail(error: PublicError): string {
    if (this.#isOver) return '';
    this.#isOver = true;
    return eventText(null, openaiErrorBody(error));
  }

  #headOf(id: string, createdS: number | null, extra: JsonRecord): JsonRecord {
    return {
      ...ownMembers(extra),
      id: answerId(id, this.#context),
      object: 'chat.completion.chunk',
      created: createdS ?? this.#context.nowS,
      model: this.#context.model,
    };
  }

  #usageText(): string {
    if (!this.#context.request.wantsStreamUsage || this.#usage === null) return '';
    return eventText(null, JSON.stringify({ ...this.#head, choices: [], usage: writeUsage(this.#usage) }));
  }

  #stateOf(choice: number): ChoiceState {
    const known = this.#choices.get(choice);
    if (known !== undefined) return known;
    const state: ChoiceState = {
      hasBegun: false,
      open: null,
      waitingCall: null,
      calls: 0,
      thoughts: 0,
      hasRefusal: false,
      textBefore: 0,
      textLength: 0,
    };
    this.#choices.set(choice, state);
    return state;
  }

  #choiceText(event: Extract<AnswerEvent, { readonly choice: number }>, state: ChoiceState): string {
    const { choice } = event;
    switch (event.type) {
      case 'open':
        return this.#begin(choice, state, event.start) + this.#open(choice, state, event.start);
      case 'delta':
        if (state.waitingCall !== null && (state.waitingCall.first === null || this.#wholeCalls)) {
          state.waitingCall.first = (state.waitingCall.first ?? '') + event.text;
          return '';
        }
        return this.#release(choice, state) + this.#delta(choice, state, event.text);
      case 'annotation': {
        const path = `choices[${choice}].delta`;
        const written = writeAnnotation(event.annotation, state.textBefore, path, this.#report);
        return written === null ? '' : this.#chunk(choice, { annotations: [written] });
      }
      case 'logprobs':
        return this.#logprobs(choice, state, event.logprobs);
      case 'signature':
        return this.#signature(choice, state, event.signature, event.redacted === true);
      case 'close': {
        const text = this.#release(choice, state);
        closePart(state);
        return text;
      }
      case 'finish':
        return this.#begin(choice, state, { kind: 'text' }) + this.#finish(choice, state, event.finish);
    }
  }

  /** The role comes first, and once. */
  #begin(choice: number, state: ChoiceState, start: PartStart): string {
    if (state.hasBegun) return '';
    state.hasBegun = true;
    return this.#chunk(choice, { role: 'assistant', content: start.kind === 'text' ? '' : null });
  }

  #open(choice: number, state: ChoiceState, start: PartStart): string {
    state.open = start;
    reportLost(start.kind, `choices[${choice}].delta`, this.#report);
    switch (start.kind) {
      case 'tool_call':
        state.waitingCall = { id: start.id, signature: undefined, first: null };
        return '';
      case 'refusal':
        state.hasRefusal = true;
        return '';
      case 'audio':
        return this.#chunk(choice, writeAudio(start));
      case 'image': {
        const images = writeImage(start).map((image) => ({ ...image, index: 0 }));
        return images.length === 0 ? '' : this.#chunk(choice, { images });
      }
      default:
        return '';
    }
  }

  /** The first chunk of a call: its id, its name, and what of its arguments has come. */
  #release(choice: number, state: ChoiceState): string {
    const { waitingCall, open } = state;
    if (waitingCall === null || open?.kind !== 'tool_call') return '';
    state.waitingCall = null;
    const index = state.calls++;
    const first = waitingCall.first ?? '';
    if (this.#isLegacy)
      return index === 0 ? this.#chunk(choice, { function_call: { name: open.name, arguments: first } }) : '';
    const id = packCallId(waitingCall.id, waitingCall.signature);
    const called =
      open.custom === true
        ? { type: 'custom', custom: { name: open.name, input: first } }
        : { type: 'function', function: { name: open.name, arguments: first } };
    return this.#chunk(choice, { tool_calls: [{ index, id, ...called }] });
  }

  #delta(choice: number, state: ChoiceState, text: string): string {
    switch (state.open?.kind) {
      case 'text':
        state.textLength += text.length;
        return this.#chunk(choice, { content: text });
      case 'refusal':
        return this.#chunk(choice, { refusal: text });
      case 'thinking':
        return this.#chunk(choice, {
          ...(this.#context.request.reasoning?.show !== false && { reasoning_content: text }),
          reasoning_details: [textDetail(text, state.thoughts)],
        });
      case 'tool_call':
        return this.#callDelta(choice, state.calls - 1, state.open.custom === true, text);
      default:
        return '';
    }
  }

  #callDelta(choice: number, index: number, custom: boolean, text: string): string {
    if (this.#isLegacy) return index === 0 ? this.#chunk(choice, { function_call: { arguments: text } }) : '';
    const piece = custom ? { custom: { input: text } } : { function: { arguments: text } };
    return this.#chunk(choice, { tool_calls: [{ index, ...piece }] });
  }

  #logprobs(
    choice: number,
    state: ChoiceState,
    tokens: Extract<AnswerEvent, { type: 'logprobs' }>['logprobs'],
  ): string {
    const logprobs = writeLogprobs(state.open?.kind === 'refusal' ? 'refusal' : 'content', tokens);
    return this.#data(choice, { delta: {}, logprobs, finish_reason: null });
  }

  #signature(choice: number, state: ChoiceState, signature: Signature, redacted: boolean): string {
    if (state.open?.kind === 'tool_call') {
      if (state.waitingCall !== null) state.waitingCall.signature = signature;
      return '';
    }
    if (state.open?.kind !== 'thinking') return '';
    return this.#chunk(choice, { reasoning_details: [signatureDetail(signature, redacted, state.thoughts, null)] });
  }

  #finish(choice: number, { calls, hasRefusal }: ChoiceState, finish: Finish): string {
    const word = writeFinish(finish, { hasCall: calls > 0, hasRefusal });
    const finish_reason = this.#isLegacy && word === 'tool_calls' ? 'function_call' : word;
    return this.#data(choice, { delta: {}, finish_reason });
  }

  get #isLegacy(): boolean {
    return this.#context.request.legacyFunctions === true;
  }

  #chunk(choice: number, delta: JsonRecord): string {
    return this.#data(choice, { delta, finish_reason: null });
  }

  #data(index: number, members: JsonRecord): string {
    const chunk = { ...this.#head, choices: [{ index, ...members }] };
    // Who asked for usage finds the member in every chunk.
    const tellsUsage = this.#context.request.wantsStreamUsage && !this.#wholeCalls;
    return eventText(null, JSON.stringify(tellsUsage ? { ...chunk, usage: null } : chunk));
  }
}

function closePart(state: ChoiceState): void {
  if (state.open?.kind === 'thinking') state.thoughts++;
  state.open = null;
  state.textBefore += state.textLength;
  state.textLength = 0;
}
