/** A stream of Gemini: server-sent events (`alt=sse`), or one JSON array; neither has an end of its own. */
import type { AnswerEvent } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import { EventReader } from '../event-reader.ts';
import { watchJsonArray } from '../json-array-stream.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import { geminiUsage } from './dialect.ts';
import { blockedFinish } from './finish.ts';
import { answerExtra, answerHead } from './read-answer.ts';
import { CandidateReader } from './read-candidate.ts';

const ELEMENT_BYTES_MAX = 16 * 1024 * 1024;
const OPEN_BRACKET = 0x5b;

/** Reads either framing: the first byte tells which. */
export function readStream(onEvent: (event: AnswerEvent) => void): StreamReader {
  const answers = new AnswersReader(onEvent);
  const events = new EventReader((_, data) => answers.read(data));
  const array = watchJsonArray((element) => answers.read(element.toString('utf8')), ELEMENT_BYTES_MAX);
  let framing: 'events' | 'array' | null = null;
  return {
    push(chunk) {
      const first = framing === null ? chunk.find((byte) => byte > 0x20) : undefined;
      if (first !== undefined) framing = first === OPEN_BRACKET ? 'array' : 'events';
      if (framing === 'array') array.push(Uint8Array.from(chunk));
      else events.push(chunk);
    },
    end() {
      if (framing === 'events') events.end();
      answers.end();
    },
  };
}

class AnswersReader {
  readonly #onEvent: (event: AnswerEvent) => void;
  readonly #candidates = new Map<number, CandidateReader>();
  #hasStarted = false;
  #isBlocked = false;
  #isOver = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
  }

  read(data: string): void {
    const answer = parsedOrUndefined(data);
    if (this.#isOver || !isRecord(answer)) return;
    if (isRecord(answer['error'])) this.#fail(answer['error']);
    else this.#readAnswer(answer);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const candidates = [...this.#candidates].sort(([a], [b]) => a - b).map(([, candidate]) => candidate);
    for (const candidate of candidates) candidate.end();
    const isWhole = this.#isBlocked || (candidates.length > 0 && candidates.every(({ isFinished }) => isFinished));
    if (isWhole) this.#onEvent({ type: 'end' });
  }

  #readAnswer(answer: JsonRecord): void {
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#onEvent({ type: 'start', ...answerHead(answer), extra: answerExtra(answer) });
    }
    const { candidates } = answer;
    if (Array.isArray(candidates))
      for (const [position, candidate] of candidates.entries()) this.#readCandidate(recordOf(candidate), position);
    this.#readFeedback(recordOf(answer['promptFeedback']));
    const usage = geminiUsage(answer['usageMetadata']);
    if (usage !== null) this.#onEvent({ type: 'usage', usage });
  }

  #readCandidate(candidate: JsonRecord, position: number): void {
    if (this.#isBlocked) return;
    const index = countOf(candidate['index']) ?? position;
    const known = this.#candidates.get(index);
    const reader = known ?? new CandidateReader(index, this.#onEvent);
    if (known === undefined) this.#candidates.set(index, reader);
    reader.read(candidate);
  }

  /** A refused prompt has no candidates: the refusal is told as one. */
  #readFeedback(feedback: JsonRecord): void {
    const finish = blockedFinish(feedback);
    if (finish === null || this.#isBlocked || this.#candidates.size > 0) return;
    this.#isBlocked = true;
    this.#onEvent({ type: 'finish', choice: 0, finish });
  }

  #fail({ message, status, code }: JsonRecord): void {
    this.#isOver = true;
    this.#onEvent({
      type: 'error',
      error: {
        message: typeof message === 'string' ? message : 'The provider ended the stream with an error.',
        type: typeof status === 'string' ? status : `${typeof code === 'number' ? code : 'UNKNOWN'}`,
        status: typeof code === 'number' && code >= 400 && code < 600 ? code : 502,
      },
    });
  }
}
