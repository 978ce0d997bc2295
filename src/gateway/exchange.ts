import { observeTail } from './answer-tail.ts';
import { brokenOff, invalidAnswer, logFailure, thrownBy } from './answer-faults.ts';
import { keepForCache, storeInCache } from './cached-answer.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { classifyAnswer, classifyFailure, classifyTold } from './classify.ts';
import { meter } from './metering.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import { contentEncoding, headerValue } from './header-text.ts';
import { beginsJson } from './json-ends.ts';
import { handOver } from './hand-over.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { relayHead } from './relay-head.ts';
import { sentCredential } from './seat.ts';
import { SeenOutput } from './seen-output.ts';
import { cleanStreamErrors } from './clean-stream-errors.ts';
import { answerTooLarge } from './size-limits.ts';
import { opensPlainly, StreamOpening } from './stream-opening.ts';
import type { Target } from './targets.ts';
import { isTranslationLoaded, loadTranslation } from './translation.ts';
import type { RequestReading, StreamEnding, StreamObserver, ToldError } from '../llm/dialect.ts';
import type { TranslatedStream } from '../llm/translate.ts';
import type { UpstreamFailure, UpstreamListener } from './upstream.ts';
import { FOREIGN, NO_STREAM, wholeAnswer } from './whole-answer.ts';
import { withoutAccounts } from './without-secrets.ts';

/** An answer that is no stream is held up to this size, so that one that breaks off can still be told as an error. */
const HELD_BYTES_MAX = 1_048_576;
/** The part of an error answer that is read; more is not an error message. */
const ERROR_BYTES_MAX = 65_536;
/** An answer that is translated must be held whole; lists of vectors are the largest. */
const TRANSLATED_BYTES_MAX = 64 * 1_048_576;

/**
 * How an answer passes: `none` before it begins and after its outcome; `opening` an event stream until
 * its first event is whole; `events` the rest of it, through the dialect's observer; `held` gathered
 * until whole; `flowing` bytes straight through; `error` a provider's error, gathered to be classified.
 */
type Mode = 'none' | 'opening' | 'events' | 'held' | 'flowing' | 'error';

/**
 * Sends the prepared request and relays the answer, with back-pressure both ways: resolves with
 * null when the answer was handed to the caller whole, or with why not.
 */
export function exchange(
  gateway: Gateway,
  call: Call,
  target: Target,
  prepared: PreparedRequest,
): Promise<Refusal | null> {
  // The caller may have left while the key was looked up: nobody would pay for the answer.
  if (call.inbound.gone) return Promise.resolve(refusal('client_closed'));
  return new Promise((resolve) => {
    const relay = new Relay(gateway, call, target, prepared, resolve);
    call.attempts += 1;
    call.inbound.onGone = () => relay.clientGone();
    call.upstream = target.endpoint.upstream.send(prepared.request, relay);
  });
}

class Relay implements UpstreamListener {
  readonly #gateway: Gateway;
  readonly #call: Call;
  readonly #target: Target;
  readonly #prepared: PreparedRequest;
  readonly #resolve: (refused: Refusal | null) => void;
  #mode: Mode = 'none';
  #status = 0;
  #headers: readonly string[] = [];
  #opening: StreamOpening | null = null;
  #observer: StreamObserver | null = null;
  #translated: TranslatedStream | null = null;
  #seen: SeenOutput | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(
    gateway: Gateway,
    call: Call,
    target: Target,
    prepared: PreparedRequest,
    resolve: (refused: Refusal | null) => void,
  ) {
    this.#gateway = gateway;
    this.#call = call;
    this.#target = target;
    this.#prepared = prepared;
    this.#resolve = resolve;
  }

  onHead(status: number, headers: readonly string[]): void {
    try {
      this.#readHead(status, headers);
    } catch (error) {
      this.#breakDown(error);
    }
  }

  onData(chunk: Buffer): void {
    try {
      this.#readData(chunk);
    } catch (error) {
      this.#breakDown(error);
    }
  }

  onEnd(): void {
    try {
      this.#readEnd();
    } catch (error) {
      this.#breakDown(error);
    }
  }

  #readHead(status: number, headers: readonly string[]): void {
    const call = this.#call;
    call.upstreamStatus = status;
    this.#status = status;
    this.#headers = headers;
    // RFC 9110 §8.3.1: the case does not matter.
    const contentType = (headerValue(headers, 'content-type') ?? '').toLowerCase();
    call.upstreamRequestId = headerValue(headers, this.#target.dialect.requestIdHeader);
    const isStream = call.reading !== null && contentType.startsWith(this.#target.dialect.streamType);
    if (status >= 300) {
      this.#mode = 'error';
    } else if (call.reading === null) {
      this.#mode = 'flowing';
    } else if (status === 204) {
      this.#refuseAnswer('it is empty');
    } else if (contentEncoding(headers) !== null) {
      this.#refuseAnswer('it is compressed, which was not asked for');
    } else if (isStream) {
      this.#mode = this.#prepared.translation === null && this.#target.native !== null ? 'opening' : 'events';
      this.#observeEvents();
    } else if (contentType.startsWith('application/json') || contentType === '') {
      this.#readJsonHead(call.reading);
    } else if (this.#prepared.translation === null && call.reading.media?.answerTypes?.test(contentType) === true) {
      // Sound, or a transcript as plain text: there is nothing in it to read. What it costs is known by now, or never.
      this.#mode = 'flowing';
      meter(call);
    } else {
      this.#refuseAnswer('it is neither JSON nor an event stream');
    }
  }

  #observeEvents(): void {
    const call = this.#call;
    const { translation, hideUsage } = this.#prepared;
    if (translation === null) {
      call.eventStream = true;
      const isMedia = call.reading?.media !== undefined;
      if (!isMedia) this.#countOutput(this.#target);
      const { native } = this.#target;
      this.#observer =
        native === null ? null : cleanStreamErrors(native.observeStream(hideUsage, isMedia), native.streamErrors, call);
      return;
    }
    if (!call.stream || translation.stream === null)
      return this.#refuseAnswer('it is a stream, which was not asked for');
    const stream = translation.stream.observe();
    call.eventStream = !translation.stream.isArray;
    call.seenOutput = stream;
    call.failStream = (error) => stream.fail(error);
    call.warnings = translation.warnings;
    this.#translated = stream;
    this.#observer = stream;
  }

  #readJsonHead(reading: RequestReading): void {
    const call = this.#call;
    // Where the path asks for a stream, one that is not asked for as events is a JSON array, and must not be held.
    const streamed = call.stream && !reading.stream && this.#prepared.translation === null;
    if (streamed) this.#observer = this.#target.native?.observeStream(false) ?? null;
    // The bytes of an image or of sound say nothing of its tokens.
    if (reading.media === undefined) this.#countOutput(streamed ? this.#target : null);
    this.#mode = streamed ? 'flowing' : 'held';
  }

  /** `target`: who can read the bytes, which may be those of chat; null: they are no stream. */
  #countOutput(target: Target | null): void {
    const isReadable = this.#call.operation === 'chat' && target?.native !== null;
    this.#seen = new SeenOutput(isReadable ? target : null);
    this.#call.seenOutput = this.#seen;
  }

  #readData(chunk: Buffer): void {
    switch (this.#mode) {
      case 'opening':
        this.#open(chunk);
        return;
      case 'events':
        this.#seen?.add(chunk);
        this.#passEvents(this.#observer?.push(chunk) ?? null);
        return;
      case 'held':
        this.#seen?.add(chunk);
        this.#hold(chunk);
        if (this.#heldBytes > Math.min(HELD_BYTES_MAX, this.#call.responseBytesMax)) this.#stopHolding();
        return;
      case 'error':
        if (this.#heldBytes < ERROR_BYTES_MAX) this.#hold(chunk);
        return;
      case 'flowing':
        this.#seen?.add(chunk);
        this.#observer?.push(chunk);
        this.#relay(chunk);
        return;
      case 'none':
        return;
    }
  }

  #readEnd(): void {
    switch (this.#mode) {
      case 'opening':
        this.#opening?.end();
        this.#endOpening();
        this.#readEnd();
        return;
      case 'events':
        this.#endEvents();
        return;
      case 'held':
        this.#endHeld();
        return;
      case 'flowing':
        this.#endFlowing();
        return;
      case 'error':
        this.#settle(classifyAnswer(this.#call, this.#status, this.#headers, Buffer.concat(this.#held)));
        return;
      case 'none':
        return;
    }
  }

  onError(failure: UpstreamFailure): void {
    this.#readStreamEnd();
    logFailure(this.#gateway, this.#call, this.#target, failure);
    this.#settle(classifyFailure(failure));
  }

  /** The caller left: the provider is told at once, by closing. */
  clientGone(): void {
    this.#call.upstream?.abort();
    this.#readStreamEnd();
    this.#settle(refusal('client_closed'));
  }

  #open(chunk: Buffer): void {
    const errors = this.#target.native?.streamErrors;
    const isFirst = this.#opening === null;
    if (errors === undefined || (isFirst && opensPlainly(errors, chunk) && this.#mayBegin(chunk))) {
      this.#mode = 'events';
      this.#readData(chunk);
      return;
    }
    this.#opening ??= new StreamOpening(errors);
    this.#hold(chunk);
    if (this.#opening.push(chunk)) this.#endOpening();
  }

  #endOpening(): void {
    const told = this.#opening?.error() ?? null;
    if (told !== null) return this.#failTold(told);
    const first = this.#opening?.first() ?? null;
    if (first !== null && !this.#mayBegin(Buffer.from(`${first.name} ${first.data}`)))
      return this.#refuseAnswer(FOREIGN);
    this.#mode = 'events';
    for (const chunk of this.#held) this.#readData(chunk);
    this.#held = [];
  }

  /** Whether these bytes may begin a stream of the dialect; only those of chat have marks. */
  #mayBegin(bytes: Buffer): boolean {
    return this.#call.operation !== 'chat' || this.#target.native?.answerMarks.begins(bytes) !== false;
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
  }

  /** Too large to hold: what is here goes on, the rest flows. Its usage is read where it stands at the end. */
  #stopHolding(): void {
    if (this.#prepared.translation !== null) {
      if (this.#call.stream) this.#refuseAnswer(NO_STREAM);
      else if (this.#heldBytes > TRANSLATED_BYTES_MAX) this.#refuseAnswer('it is too large to be translated');
      return;
    }
    if (this.#heldBytes > this.#call.responseBytesMax) return this.#fail(answerTooLarge(this.#call));
    if (!beginsJson(this.#held[0])) return this.#refuseAnswer('it is not JSON');
    this.#mode = 'flowing';
    const { native } = this.#target;
    const isMedia = this.#call.reading?.media !== undefined;
    this.#observer = native === null ? null : observeTail((body) => native.readUsage(body, isMedia));
    for (const chunk of this.#held) {
      this.#observer?.push(chunk);
      this.#relay(chunk);
    }
    this.#held = [];
  }

  #relay(bytes: Uint8Array | null): void {
    if (bytes === null || bytes.length === 0 || this.#mode === 'none') return;
    const call = this.#call;
    if (call.responseBytes + bytes.length > call.responseBytesMax) return this.#fail(answerTooLarge(call));
    if (!call.inbound.answered) this.#begin();
    handOver(call, bytes);
  }

  #begin(): void {
    // What begins with an error is no success: an answer counts once it goes on.
    this.#call.seat?.accepted();
    this.#call.inbound.begin(this.#status, relayHead(this.#call, this.#target, this.#status, this.#headers));
    if (this.#call.eventStream) this.#gateway.streams.add(this.#call);
  }

  #endEvents(): void {
    const call = this.#call;
    if (!this.#passEvents(this.#observer?.flush() ?? null)) return;
    if (this.#readStreamEnd() === 'end') {
      this.#onceCountable(() => {
        if (!call.inbound.answered) this.#begin();
        call.inbound.end();
        storeInCache(this.#gateway, call, call.eventStream ? 'text/event-stream' : 'application/json');
        this.#settle(null);
      });
      return;
    }
    // A stream that ends without its end is not whole: say so, or the caller takes half for all.
    this.#settle(brokenOff('The provider ended the stream before it was complete.'));
  }

  #endHeld(): void {
    const answer = wholeAnswer(this.#call, this.#target, this.#prepared, {
      held: this.#held,
      headers: this.#headers,
    });
    if ('detail' in answer) this.#refuseAnswer(answer.detail);
    else if ('status' in answer) this.#failTold(answer);
    else this.#onceCountable(() => this.#respond(answer));
  }

  #respond(body: Buffer): void {
    const call = this.#call;
    if (body.length > call.responseBytesMax) {
      // Whole as it is, it does not reach the caller.
      call.complete = false;
      return this.#fail(answerTooLarge(call));
    }
    call.seat?.accepted();
    call.responseBytes = body.length;
    meter(call);
    call.inbound.respond(this.#status, relayHead(this.#call, this.#target, this.#status, this.#headers), body);
    keepForCache(call, body);
    storeInCache(this.#gateway, call, 'application/json');
    this.#settle(null);
  }

  /** False: it is over, as where a provider told an error within a translated stream. */
  #passEvents(bytes: Uint8Array | null): boolean {
    const failure = this.#translated?.failure() ?? null;
    if (failure === null) {
      this.#relay(bytes);
      return this.#mode !== 'none';
    }
    const { message, type, status } = failure;
    this.#readStreamEnd();
    if (this.#call.inbound.answered) {
      this.#call.upstreamCode = type;
      this.#relay(bytes);
      this.#fail(brokenOff(`The provider broke off: ${withoutAccounts(message, sentCredential(this.#call))}`));
    } else {
      this.#failTold({ status, body: JSON.stringify({ error: { message, type, code: type } }) });
    }
    return false;
  }

  #failTold(told: ToldError): void {
    this.#fail(classifyTold(this.#call, told, this.#headers));
  }

  #endFlowing(): void {
    const call = this.#call;
    this.#relay(this.#observer?.flush() ?? null);
    if (this.#observer === null) call.complete = true;
    else this.#readStreamEnd();
    this.#onceCountable(() => {
      if (!call.inbound.answered) this.#begin();
      call.inbound.end();
      this.#settle(null);
    });
  }

  /** The first answers of a worker that do not tell their usage wait for what reads them to be there. */
  #onceCountable(end: () => void): void {
    const { usage, operation } = this.#call;
    if (usage !== null || operation !== 'chat' || isTranslationLoaded()) return end();
    loadTranslation().then(
      () => {
        if (this.#mode !== 'none') end();
      },
      (error: unknown) => this.#breakDown(error),
    );
  }

  #readStreamEnd(): StreamEnding {
    if (this.#observer === null) return 'none';
    this.#call.usage = this.#observer.usage();
    this.#call.complete = this.#observer.complete();
    const ending = this.#observer.ending();
    if (ending !== 'none') this.#call.failStream = saysNothing;
    return ending;
  }

  /** What is thrown in a callback of a socket must end this call, not the worker. */
  #breakDown(error: unknown): void {
    this.#fail(thrownBy(this.#gateway, this.#call, this.#target, error));
  }

  #refuseAnswer(detail: string): void {
    this.#fail(invalidAnswer(this.#gateway, this.#call, this.#target, detail));
  }

  #fail(refused: Refusal): void {
    this.#call.upstream?.abort();
    this.#settle(refused);
  }

  #settle(refused: Refusal | null): void {
    this.#mode = 'none';
    if (this.#call.eventStream) this.#gateway.streams.delete(this.#call);
    this.#call.inbound.onGone = null;
    this.#call.inbound.onDrain = null;
    this.#call.upstream = null;
    this.#resolve(refused);
  }
}

/** Behind an end that the provider told itself. */
function saysNothing(): string {
  return '';
}
