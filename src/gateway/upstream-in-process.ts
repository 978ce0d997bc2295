import type { AnswerStep, InProcessAnswer, InProcessHandler } from '../providers/in-process.ts';
import { headerValue } from './header-text.ts';
import type { Upstream, UpstreamCall, UpstreamListener, UpstreamRequest } from './upstream.ts';

const NO_BYTES = new Uint8Array(0);

/** Plays the answers of a provider that lives inside the gateway, with their pauses and cuts. */
export function createInProcessUpstream(handler: InProcessHandler): Upstream {
  return {
    send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall {
      const { method, path, headers, body } = request;
      const contentType = headerValue(headers, 'content-type');
      const answer = handler({ method, path, body: body ?? NO_BYTES, contentType });
      return new Playback(answer, listener);
    },
  };
}

/** One answer under way: a head, then steps, each after its own pause. */
class Playback implements UpstreamCall {
  readonly #answer: InProcessAnswer;
  readonly #steps: Iterator<AnswerStep>;
  readonly #listener: UpstreamListener;
  #timer: NodeJS.Timeout | null = null;
  #next: AnswerStep | null = null;
  #paused = false;
  #playing = false;
  #ended = false;

  constructor(answer: InProcessAnswer, listener: UpstreamListener) {
    this.#answer = answer;
    this.#steps = answer.steps[Symbol.iterator]();
    this.#listener = listener;
    // Never before send() has returned.
    if (answer.afterMs > 0) this.#timer = setTimeout(() => this.#begin(), answer.afterMs);
    else queueMicrotask(() => this.#begin());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#timer === null && !this.#playing) this.#play();
  }

  abort(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #begin(): void {
    this.#timer = null;
    if (this.#ended) return;
    this.#listener.onHead(this.#answer.status, this.#answer.headers);
    this.#play();
  }

  /** Tells steps until one has to wait, the listener pauses, or the answer ends. */
  #play(): void {
    this.#playing = true;
    this.#playSteps();
    this.#playing = false;
  }

  #playSteps(): void {
    while (!this.#ended && !this.#paused) {
      if (this.#next === null) {
        const step = this.#steps.next();
        if (step.done === true) {
          this.#ended = true;
          this.#listener.onEnd();
          return;
        }
        this.#next = step.value;
        if (step.value.afterMs > 0) {
          this.#timer = setTimeout(() => {
            this.#timer = null;
            this.#play();
          }, step.value.afterMs);
          return;
        }
      }
      this.#tell(this.#next);
    }
  }

  #tell(step: AnswerStep): void {
    this.#next = null;
    if (step.kind === 'cut') {
      this.#ended = true;
      this.#listener.onError({ kind: 'closed_early', detail: 'the answer was cut' });
      return;
    }
    const { bytes } = step;
    this.#listener.onData(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}
