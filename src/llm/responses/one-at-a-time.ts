/** Parts of one choice that a provider may tell side by side, told one after the other. */
import type { AnswerEvent, PartStart } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';

type Choiceless<T> = T extends { readonly choice: number } ? Omit<T, 'choice' | 'part'> : never;

/** What happens in a lane. */
export type LaneEvent = Choiceless<
  Extract<AnswerEvent, { type: 'open' | 'delta' | 'annotation' | 'logprobs' | 'signature' | 'close' }>
>;

/** One part, from its announcement on. It may end without having been opened: then nothing is told of it. */
export interface Lane {
  readonly held: LaneEvent[];
  isOpen: boolean;
  isDone: boolean;
}

/** What waits is bounded, in characters. */
const HELD_MAX = 64 * 1024 * 1024;

/** Lanes are told in the order in which they began; what comes early waits. */
export class OneAtATime {
  readonly #onEvent: (event: AnswerEvent) => void;
  #lanes: Lane[] = [];
  /** The place of the lane that is told now. */
  #head = 0;
  #parts = 0;
  #heldChars = 0;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
  }

  begin(): Lane {
    const lane: Lane = { held: [], isOpen: false, isDone: false };
    this.#lanes.push(lane);
    return lane;
  }

  open(lane: Lane, start: PartStart): void {
    if (lane.isOpen) return;
    lane.isOpen = true;
    this.tell(lane, { type: 'open', start });
  }

  tell(lane: Lane, event: LaneEvent): void {
    if (lane === this.#lanes[this.#head]) return this.#emit(event);
    lane.held.push(event);
    if (event.type === 'delta') this.#heldChars += event.text.length;
    if (this.#heldChars > HELD_MAX)
      throw new AnswerFault(`parts of the stream that wait are larger than ${HELD_MAX} characters`);
  }

  /** Closes the lane; the next one is told from now on. */
  finish(lane: Lane): void {
    if (lane.isDone) return;
    if (lane.isOpen) this.tell(lane, { type: 'close' });
    lane.isDone = true;
    if (lane !== this.#lanes[this.#head]) return;
    do {
      this.#head += 1;
      for (const event of this.#lanes[this.#head]?.held.splice(0) ?? []) this.#emit(event);
    } while (this.#lanes[this.#head]?.isDone === true);
    if (this.#head < this.#lanes.length) return;
    this.#lanes = [];
    this.#head = 0;
    this.#heldChars = 0;
  }

  #emit(event: LaneEvent): void {
    if (event.type !== 'open') return this.#onEvent({ ...event, choice: 0 });
    this.#onEvent({ ...event, choice: 0, part: this.#parts });
    this.#parts += 1;
  }
}
