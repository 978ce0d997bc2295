/**
 * How much of a model's output went by in a stream that passed as it was, should its provider not tell.
 * Nearly all tell it at the end, so the bytes are kept, and read only when they have to be; what more
 * there is than can be kept is read on the way, unless the provider promises to tell.
 */
import type { StreamReader } from '../llm/codec.ts';
import { AnswerFault } from '../llm/faults.ts';
import { OutputEstimate } from '../llm/output-estimate.ts';
import type { Target } from './targets.ts';
import { isTranslationLoaded, loadTranslation, translation } from './translation.ts';

const KEPT_BYTES_MAX = 65_536;
const KEPT_CHUNKS_MAX = 1024;
/** Of bytes that nobody can read. */
const BYTES_PER_TOKEN = 4;

export class SeenOutput {
  /** What reads them; null: nothing does. */
  #target: Target | null;
  #reader: StreamReader | null = null;
  readonly #estimate = new OutputEstimate();
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #bytes = 0;
  /** The bytes that are kept stand for the rest, too. */
  #isSample = false;
  #tokens: number | null = null;

  constructor(target: Target | null) {
    this.#target = target;
  }

  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#target === null || this.#isSample) return;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes < KEPT_BYTES_MAX && this.#kept.length < KEPT_CHUNKS_MAX) return;
    if (this.#kept.some(mentionsUsage)) this.#isSample = true;
    else if (isTranslationLoaded()) this.#read();
    // Until the codecs are there, which is a matter of milliseconds, more is kept.
    else void loadTranslation();
  }

  /** A guess at the output tokens. To be asked for when no more bytes will come. */
  tokens(): number {
    this.#tokens ??= this.#count();
    return this.#tokens;
  }

  #count(): number {
    const sampleBytes = this.#keptBytes;
    if (isTranslationLoaded()) this.#read();
    this.#guarded(() => this.#reader?.end());
    if (this.#reader === null) return Math.ceil(this.#bytes / BYTES_PER_TOKEN);
    const tokens = this.#estimate.tokens();
    return this.#isSample ? Math.ceil((tokens * this.#bytes) / sampleBytes) : tokens;
  }

  #read(): void {
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#guarded(() => {
      if (this.#target !== null) this.#reader ??= translation().readOutput(this.#target, this.#estimate);
      for (const chunk of kept) this.#reader?.push(chunk);
    });
  }

  /** What is none of the dialect is counted in bytes. */
  #guarded(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof AnswerFault)) throw error;
      this.#target = null;
      this.#reader = null;
    }
  }
}

/** Whether a member of such a name is there, be it null; within a text its quotes would be escaped. */
function mentionsUsage(chunk: Uint8Array): boolean {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return bytes.includes(',"usage') || bytes.includes('{"usage');
}
