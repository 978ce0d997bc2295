/**
 * A stream, as a client receives it (https://platform.openai.com/docs/api-reference/responses-streaming).
 * Only choice 0 is written: the format has no others.
 */
import type { AnswerEvent, PartStart } from '../canonical.ts';
import type { AnswerContext, StreamWriter } from '../codec.ts';
import type { PublicError, Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { eventText } from '../sse.ts';
import { writeFinish, type Ending } from './finish.ts';
import { makeItemId } from './item-ids.ts';
import { wholeItem, type ItemStatus } from './output-items.ts';
import { responseObject, settingsOf, type ResponseFacts, type Settings } from './response-object.ts';
import { reportChoices, reportLost, reportPause, reportSignature } from './reports.ts';
import { OpenCall, OpenMessage, OpenReasoning, type OpenItem } from './stream-items.ts';

export function streamChat(context: AnswerContext, report: Report): StreamWriter {
  return new ResponseWriter(context, report);
}

class ResponseWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #report: Report;
  readonly #settings: Settings;
  /** What goes out for the event that is being written. */
  #out: string[] = [];
  #sequence = 0;
  #answer: ResponseFacts['answer'] | null = null;
  readonly #output: JsonRecord[] = [];
  readonly #kinds: { readonly kind: PartStart['kind'] }[] = [];
  #open: OpenItem | null = null;
  #ending: Ending | null = null;
  #usage: Usage | null = null;
  #isPartOpen = false;
  #isOver = false;

  constructor(context: AnswerContext, report: Report) {
    this.#context = context;
    this.#report = report;
    this.#settings = settingsOf(context.request);
  }

  write(event: AnswerEvent): string {
    if (this.#isOver) return '';
    this.#take(event);
    return this.#taken();
  }

  fail(error: PublicError): string {
    if (!this.#isOver) this.#fail(error);
    return this.#taken();
  }

  #fail({ code, message, status }: Pick<PublicError, 'code' | 'message' | 'status'>): void {
    this.#begin();
    // OpenAI sends both events; openai-node throws at the first, other clients wait for the second.
    const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
    this.#send('error', { code, message, param: null, error: { type, code, message, param: null } });
    this.#end({ status: 'failed', incomplete_details: null, error: { code, message } });
  }

  #taken(): string {
    const text = this.#out.join('');
    this.#out = [];
    return text;
  }

  #take(event: AnswerEvent): void {
    switch (event.type) {
      case 'start':
        return this.#begin({ id: event.id, createdS: event.createdS, extra: event.extra });
      case 'usage':
        this.#usage = event.usage;
        return;
      case 'end':
        return this.#end(this.#ending ?? writeFinish({ reason: 'stop' }, this.#kinds));
      case 'error':
        return this.#fail({ ...event.error, code: event.error.type });
      default:
        if (event.choice === 0) this.#takeOfChoice(event);
        else reportChoices(this.#report);
    }
  }

  #takeOfChoice(event: Exclude<AnswerEvent, { type: 'start' | 'usage' | 'end' | 'error' }>): void {
    this.#begin();
    switch (event.type) {
      case 'open':
        this.#kinds.push({ kind: event.start.kind });
        this.#isPartOpen = true;
        return this.#openPart(event.start);
      case 'delta':
        return this.#open?.delta(event.text);
      case 'annotation':
        return this.#open?.annotation?.(event.annotation, this.#report);
      case 'logprobs':
        return this.#open?.logprobs?.(event.logprobs);
      case 'signature':
        if (this.#open instanceof OpenMessage) reportSignature(this.#report);
        return this.#open?.signature?.(event.signature, event.redacted ?? false);
      case 'close':
        // The item waits: a message may go on, and whether it was cut short is told by the finish.
        this.#isPartOpen = false;
        return this.#open?.close();
      case 'finish':
        reportPause(event.finish, this.#report);
        this.#ending = writeFinish(event.finish, this.#kinds);
        return this.#finishItem(statusOf(this.#ending));
    }
  }

  #begin(answer: ResponseFacts['answer'] = { id: '', createdS: null, extra: {} }): void {
    if (this.#answer !== null) return;
    this.#answer = answer;
    const response = this.#response(answer, null);
    this.#send('response.created', { response });
    this.#send('response.in_progress', { response });
  }

  #openPart(start: PartStart): void {
    if ('source' in start || start.kind === 'opaque') return this.#addWhole(start);
    if (start.kind === 'tool_call') return this.#openCall(start.id, start.name, start.custom ?? false);
    if (start.kind !== 'thinking') return this.#openContent(start.kind);
    this.#finishItem('completed');
    this.#open = new OpenReasoning(this.#itemId('rs'), this.#sendOfItem());
  }

  #openCall(callId: string, name: string, custom: boolean): void {
    this.#finishItem('completed');
    const facts = { id: this.#itemId(custom ? 'ctc' : 'fc'), callId, name, custom };
    this.#open = new OpenCall(facts, this.#sendOfItem());
  }

  #openContent(kind: 'text' | 'refusal'): void {
    if (!(this.#open instanceof OpenMessage)) this.#finishItem('completed');
    const message =
      this.#open instanceof OpenMessage ? this.#open : new OpenMessage(this.#itemId('msg'), this.#sendOfItem());
    this.#open = message;
    message.open(kind);
  }

  #addWhole(start: Extract<PartStart, { source: unknown } | { kind: 'opaque' }>): void {
    this.#finishItem('completed');
    const item = wholeItem(start, (prefix) => this.#itemId(prefix));
    if (item === null) return reportLost(start.kind, this.#report);
    const send = this.#sendOfItem();
    send('response.output_item.added', { item });
    send('response.output_item.done', { item });
    this.#output.push(item);
  }

  /** Ends the open item, if there is one. */
  #finishItem(status: ItemStatus): void {
    if (this.#open === null) return;
    const item = this.#open.finish(status);
    this.#sendOfItem()('response.output_item.done', { item });
    this.#output.push(item);
    this.#open = null;
  }

  #end(ending: Ending): void {
    this.#begin();
    if (this.#isPartOpen) this.#open?.close();
    this.#finishItem(statusOf(ending));
    const answer = this.#answer ?? { id: '', createdS: null, extra: {} };
    this.#send(`response.${ending.status}`, { response: this.#response(answer, ending) });
    this.#isOver = true;
  }

  #response(answer: ResponseFacts['answer'], ending: Ending | null): JsonRecord {
    const facts = { answer, ending, output: this.#output, usage: ending === null ? null : this.#usage };
    return responseObject(this.#context, this.#settings, facts);
  }

  #itemId(prefix: Parameters<typeof makeItemId>[0]): string {
    return makeItemId(prefix, this.#context.requestId, this.#output.length);
  }

  #sendOfItem(): (type: string, members: JsonRecord) => void {
    const index = this.#output.length;
    return (type, members) => this.#send(type, { output_index: index, ...members });
  }

  #send(type: string, members: JsonRecord): void {
    const data = { type, sequence_number: this.#sequence, ...members };
    this.#sequence += 1;
    this.#out.push(eventText(type, JSON.stringify(data)));
  }
}

function statusOf(ending: Ending): ItemStatus {
  return ending.status === 'completed' ? 'completed' : 'incomplete';
}
