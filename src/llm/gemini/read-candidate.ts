/** The events of one candidate, over all pieces of a stream. */
import type { AnswerEvent, PartStart, Signature } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';
import type { AnswerPiece } from './answer-part.ts';
import { answerPiece } from './answer-part.ts';
import { finishOf } from './finish.ts';
import { annotationsOf } from './grounding.ts';
import { logprobsOf } from './logprobs.ts';
import { continues, PartialArgs, piecesOf } from './partial-args.ts';

interface PendingCall {
  readonly id: string;
  readonly name: string;
  readonly args: PartialArgs;
  signature: Signature | null;
}

/** Reads one candidate. Its end is told by `end()` only: some models repeat their finish reason on every piece. */
export class CandidateReader {
  readonly #choice: number;
  readonly #emit: (event: AnswerEvent) => void;
  #part = 0;
  #open: { readonly kind: 'text' | 'thinking'; isSigned: boolean } | null = null;
  /** The open text so far: places in it are told in bytes. */
  #text = '';
  /** The last that was told of sources: each one holds all of those before. */
  #sources: JsonRecord = {};
  #pending: PendingCall | null = null;
  #hasCalls = false;
  #finish: { readonly reason: unknown; readonly message: unknown } | null = null;

  constructor(choice: number, emit: (event: AnswerEvent) => void) {
    this.#choice = choice;
    this.#emit = emit;
  }

  get isFinished(): boolean {
    return this.#finish !== null;
  }

  read(candidate: JsonRecord): void {
    const { parts } = recordOf(candidate['content']);
    if (Array.isArray(parts)) for (const part of parts) this.#readPiece(answerPiece(part));
    this.#tellText(candidate);
    const reason = candidate['finishReason'];
    if (typeof reason === 'string') this.#finish = { reason, message: candidate['finishMessage'] };
  }

  end(): void {
    this.#endCall();
    this.#close();
    const { reason, message } = this.#finish ?? {};
    const finish =
      this.#finish === null ? { reason: 'incomplete' as const } : finishOf(reason, message, this.#hasCalls);
    this.#emit({ type: 'finish', choice: this.#choice, finish });
  }

  #readPiece(piece: AnswerPiece | null): void {
    if (piece === null) return;
    if (piece.kind === 'call') this.#readCall(piece.call, piece.signature);
    else if (piece.kind === 'whole') this.#tellWhole(piece.part);
    else this.#readText(piece.kind, piece.text, piece.signature);
  }

  #readText(kind: 'text' | 'thinking', text: string, signature: Signature | null): void {
    if (text === '' && signature === null) return;
    this.#endCall();
    if (this.#open?.kind !== kind || this.#open.isSigned) this.#start({ kind });
    if (this.#open === null) this.#open = { kind, isSigned: false };
    if (text !== '') {
      this.#text += text;
      this.#emit({ type: 'delta', choice: this.#choice, text });
    }
    if (signature === null) return;
    this.#open.isSigned = true;
    this.#emit({ type: 'signature', choice: this.#choice, signature });
  }

  #readCall(call: JsonRecord, signature: Signature | null): void {
    const { id, name } = call;
    if (typeof name === 'string' && name !== '') {
      this.#endCall();
      this.#pending = {
        id: typeof id === 'string' ? id : '',
        name,
        args: new PartialArgs(call['args']),
        signature: null,
      };
    }
    if (this.#pending === null) return;
    this.#pending.signature ??= signature;
    for (const piece of piecesOf(call)) this.#pending.args.add(piece);
    if (!continues(call)) this.#endCall();
  }

  /** Also where the provider forgot to end the call. */
  #endCall(): void {
    const call = this.#pending;
    if (call === null) return;
    this.#pending = null;
    this.#hasCalls = true;
    this.#start({ kind: 'tool_call', id: call.id, name: call.name });
    if (call.signature !== null) this.#emit({ type: 'signature', choice: this.#choice, signature: call.signature });
    this.#emit({ type: 'delta', choice: this.#choice, text: call.args.text() });
    this.#emit({ type: 'close', choice: this.#choice });
  }

  #tellWhole(start: PartStart): void {
    this.#endCall();
    this.#start(start);
    this.#emit({ type: 'close', choice: this.#choice });
  }

  #start(start: PartStart): void {
    this.#close();
    this.#emit({ type: 'open', choice: this.#choice, part: this.#part++, start });
  }

  #close(): void {
    if (this.#open === null) return;
    if (this.#open.kind === 'text') this.#tellSources();
    this.#open = null;
    this.#text = '';
    this.#emit({ type: 'close', choice: this.#choice });
  }

  /** What a candidate tells of its text: only while the text is open there is a place for it. */
  #tellText(candidate: JsonRecord): void {
    if (this.#open?.kind !== 'text') return;
    const { groundingMetadata, citationMetadata } = candidate;
    if (isRecord(groundingMetadata)) this.#sources = { ...this.#sources, groundingMetadata };
    if (isRecord(citationMetadata)) this.#sources = { ...this.#sources, citationMetadata };
    const logprobs = logprobsOf(candidate['logprobsResult']);
    if (logprobs.length > 0) this.#emit({ type: 'logprobs', choice: this.#choice, logprobs });
  }

  #tellSources(): void {
    // In a stream the part numbers of Google's count pieces, which say nothing here.
    const place = { isOfText: () => true, withUncited: true };
    for (const annotation of annotationsOf(this.#sources, this.#text, place))
      this.#emit({ type: 'annotation', choice: this.#choice, annotation });
    this.#sources = {};
  }
}
