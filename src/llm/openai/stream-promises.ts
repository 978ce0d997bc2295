/** Checks, for tests, that events keep what `AnswerEvent` promises. */
import type { AnswerEvent } from '../canonical.ts';

interface ChoiceCheck {
  parts: number;
  isOpen: boolean;
  isFinished: boolean;
  signatures: number;
}

/** What promise is broken first; null where all are kept. */
export function brokenPromise(events: readonly AnswerEvent[]): string | null {
  const choices = new Map<number, ChoiceCheck>();
  for (const [at, event] of events.entries()) {
    const isFirst = at === 0;
    if (event.type === 'error') return at === events.length - 1 ? null : 'something follows an error';
    if ((event.type === 'start') !== isFirst) return 'start is not first and once';
    if (event.type === 'end') {
      if (at < events.length - 1) return 'something follows the end';
      continue;
    }
    if (event.type === 'start' || event.type === 'usage') continue;
    const known = choices.get(event.choice) ?? { parts: 0, isOpen: false, isFinished: false, signatures: 0 };
    choices.set(event.choice, known);
    const broken = inChoice(event, known);
    if (broken !== null) return broken;
  }
  return [...choices.values()].every(({ isFinished }) => isFinished) ? null : 'a choice has no finish';
}

function inChoice(event: Extract<AnswerEvent, { readonly choice: number }>, state: ChoiceCheck): string | null {
  if (state.isFinished) return `${event.type} follows the finish`;
  switch (event.type) {
    case 'open':
      if (state.isOpen) return 'two parts are open';
      if (event.part !== state.parts) return 'parts are not numbered in order';
      state.isOpen = true;
      state.parts++;
      state.signatures = 0;
      return null;
    case 'close':
      if (!state.isOpen) return 'a close without an open part';
      state.isOpen = false;
      return null;
    case 'finish':
      if (state.isOpen) return 'a finish with an open part';
      state.isFinished = true;
      return null;
    case 'signature':
      state.signatures++;
      return state.isOpen && state.signatures === 1 ? null : 'a signature out of place';
    default:
      return state.isOpen ? null : `${event.type} without an open part`;
  }
}
