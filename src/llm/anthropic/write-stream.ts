/** A stream for a client of Anthropic's format: every event under its name, which its SDK selects on. */
import { packCallId } from '../call-ids.ts';
import type { AnswerEvent, Finish, OpaquePart, PartStart, Signature, StreamError } from '../canonical.ts';
import type { AnswerContext, StreamWriter } from '../codec.ts';
import type { PublicError, Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { sealSignature } from '../signature.ts';
import { eventText } from '../sse.ts';
import { citationForClient } from './citations.ts';
import { anthropic } from './dialect.ts';
import { finishMembers } from './finish.ts';
import { answerExtra } from './read-answer.ts';
import { usageMember } from './usage.ts';
import { messageHead, reportChoices, reportFinish, reportLogprobs, reportLost, reportRefusal } from './write-answer.ts';

export function streamChat(context: AnswerContext, report: Report): StreamWriter {
  const message = new MessageWriter(context, report);
  return {
    write: (event) => message.write(event),
    fail: (error) => message.fail(error),
  };
}

type Start = Extract<AnswerEvent, { type: 'start' }>;

/** Which kind of block is being written; `skipped`: the format has no place for the part. */
type Writing = 'text' | 'thinking' | 'tool_call' | 'custom_call' | 'redacted' | 'skipped';

class MessageWriter {
  readonly #context: AnswerContext;
  readonly #report: Report;
  #isOver = false;
  #hasBegun = false;
  /** Waits for one more event: usage, which the first event tells, may be next. */
  #start: Start | null = null;
  #usage: Usage | null = null;
  #finish: Finish = { reason: 'stop' };
  /** Waits for one more event as well: a signature belongs into its start. */
  #pending: PartStart | null = null;
  #writing: Writing = 'skipped';
  #index = -1;
  #text = '';
  /** Of the open part, as a whole answer would count it. */
  #part = 0;

  constructor(context: AnswerContext, report: Report) {
    this.#context = context;
    this.#report = report;
  }

  write(event: AnswerEvent): string {
    if (this.#isOver) return '';
    if ('choice' in event && event.choice !== 0) {
      reportChoices(this.#report);
      return '';
    }
    if (event.type === 'usage') this.#usage = event.usage;
    if (event.type === 'start') this.#start = event;
    if (event.type === 'start' || (event.type === 'usage' && this.#start === null)) return '';
    if (event.type === 'error') return this.#error(event.error);
    return this.#begin() + this.#event(event);
  }

  fail(error: PublicError): string {
    if (this.#isOver) return '';
    this.#isOver = true;
    return eventText('error', anthropic.errorBody(error));
  }

  #error({ status, type, message }: StreamError): string {
    return this.fail({ status, code: type, message, requestId: this.#context.requestId });
  }

  #begin(): string {
    if (this.#hasBegun) return '';
    this.#hasBegun = true;
    const message = {
      ...answerExtra(this.#start?.extra ?? {}),
      ...messageHead(this.#start?.id ?? '', this.#context),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: usageMember(this.#usage, this.#context),
    };
    this.#start = null;
    return written('message_start', { message });
  }

  #event(event: AnswerEvent): string {
    switch (event.type) {
      case 'open':
        this.#part = event.part;
        return this.#open(event.start);
      case 'delta':
        return this.#flush() + this.#delta(event.text);
      case 'signature':
        return this.#sign(event.signature, event.redacted === true);
      case 'annotation': {
        const citation = citationForClient(event.annotation, this.#text, this.#path, this.#report);
        if (this.#writing !== 'text' || citation === null) return '';
        return this.#flush() + this.#blockDelta({ type: 'citations_delta', citation });
      }
      case 'logprobs':
        reportLogprobs(this.#path, this.#report);
        return '';
      case 'close':
        return this.#close();
      case 'finish':
        this.#finish = event.finish;
        reportFinish(event.finish, this.#report);
        return '';
      case 'end':
        return this.#end();
      default:
        return '';
    }
  }

  #open(start: PartStart): string {
    this.#text = '';
    this.#writing = writingOf(start);
    if (start.kind === 'opaque' && start.of === 'anthropic') return this.#opaque(start);
    if (this.#writing === 'skipped') reportLost(start.kind, this.#path, this.#report);
    if (start.kind === 'refusal') reportRefusal(this.#path, this.#report);
    this.#pending = this.#writing === 'skipped' ? null : start;
    return '';
  }

  /** A block comes whole, but the input of a call is always told in a delta. */
  #opaque({ value }: OpaquePart): string {
    const isCall = typeof value['type'] === 'string' && value['type'].endsWith('tool_use') && isRecord(value['input']);
    if (!isCall) return this.#startBlock(value) + this.#stopBlock();
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(value['input']) };
    return this.#startBlock({ ...value, input: {} }) + this.#blockDelta(delta) + this.#stopBlock();
  }

  /** Begins the block that waits; the signature of a call travels in its id. */
  #flush(signature?: Signature): string {
    const start = this.#pending;
    this.#pending = null;
    if (start === null) return '';
    if (start.kind === 'thinking') return this.#startBlock({ type: 'thinking', thinking: '', signature: '' });
    if (start.kind !== 'tool_call') return this.#startBlock({ type: 'text', text: '' });
    const id = packCallId(start.id, signature);
    const begun = this.#startBlock({ type: 'tool_use', id, name: start.name, input: {} });
    return start.custom === true ? begun + this.#json('{"input":"') : begun;
  }

  #delta(text: string): string {
    this.#text += this.#writing === 'text' ? text : '';
    switch (this.#writing) {
      case 'text':
        return this.#blockDelta({ type: 'text_delta', text });
      case 'thinking':
        return this.#blockDelta({ type: 'thinking_delta', thinking: text });
      case 'tool_call':
        return this.#json(text);
      case 'custom_call':
        return this.#json(JSON.stringify(text).slice(1, -1));
      default:
        return '';
    }
  }

  #json(text: string): string {
    return this.#blockDelta({ type: 'input_json_delta', partial_json: text });
  }

  #sign(signature: Signature, isRedacted: boolean): string {
    if (this.#writing === 'tool_call' || this.#writing === 'custom_call') return this.#flush(signature);
    if (this.#writing !== 'thinking') return '';
    const sealed = sealSignature(signature, 'anthropic');
    if (isRedacted && this.#pending !== null) {
      this.#pending = null;
      this.#writing = 'redacted';
      return this.#startBlock({ type: 'redacted_thinking', data: sealed });
    }
    return this.#flush() + this.#blockDelta({ type: 'signature_delta', signature: sealed });
  }

  #close(): string {
    const writing = this.#writing;
    this.#writing = 'skipped';
    // An empty text would come back with the next request, where the API refuses it.
    const isEmpty = writing === 'text' && this.#pending !== null;
    if (isEmpty) this.#pending = null;
    if (isEmpty || writing === 'skipped') return '';
    const begun = this.#flush();
    return begun + (writing === 'custom_call' ? this.#json('"}') : '') + this.#stopBlock();
  }

  #end(): string {
    this.#isOver = true;
    const delta = finishMembers(this.#finish);
    return (
      written('message_delta', { delta, usage: usageMember(this.#usage, this.#context) }) + written('message_stop', {})
    );
  }

  get #path(): string {
    return `content[${this.#part}]`;
  }

  #startBlock(block: JsonRecord): string {
    this.#index++;
    return written('content_block_start', { index: this.#index, content_block: block });
  }

  #blockDelta(delta: JsonRecord): string {
    return written('content_block_delta', { index: this.#index, delta });
  }

  #stopBlock(): string {
    return written('content_block_stop', { index: this.#index });
  }
}

function writingOf(start: PartStart): Writing {
  switch (start.kind) {
    case 'text':
    case 'refusal':
      return 'text';
    case 'thinking':
      return 'thinking';
    case 'tool_call':
      return start.custom === true ? 'custom_call' : 'tool_call';
    default:
      return 'skipped';
  }
}

function written(type: string, members: JsonRecord): string {
  return eventText(type, JSON.stringify({ type, ...members }));
}
