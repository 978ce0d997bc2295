import { ERRORS } from '../errors.ts';
import { limitName, usdText } from '../keys/limit-words.ts';
import type { BudgetLimit, CallRefused, LimitReading } from './call-limits.ts';

/** A public sentence on a call that a limit refused: what to do, and which limit it was. */
export function refusalWords({ code, by, retryAfterMs }: CallRefused): string {
  if (code === 'keys_exhausted') return NO_PLACE;
  const title = (retryAfterMs === null ? IN_VAIN[code] : undefined) ?? ERRORS[code].title;
  return by === null ? title : `${title} The limit is ${nameOf(by)} of the ${by.level}.`;
}

const NO_PLACE =
  'The key that this one was minted from has as many delegated keys with limits of their own in use as it may have. Wait until one of them ends, or ask its owner for a higher limit (mintLiveMax).';
const SMALLER = 'Send less, ask for fewer output tokens, or ask for a higher limit.';

/** Where waiting does not help. */
const IN_VAIN: Partial<Readonly<Record<CallRefused['code'], string>>> = {
  rate_limited: `Too many requests with this API key, and waiting alone will not help: another of its limits is too low for this call. ${SMALLER}`,
  concurrency_limited: `Too many requests with this API key at the same time, and waiting alone will not help: another of its limits is too low for this call. ${SMALLER}`,
  tokens_limited: `This call needs more tokens than this API key may ever use at a time. ${SMALLER}`,
  budget_exhausted:
    'This call does not fit into the budget of this API key, and waiting will not change that. Send less, or ask for a higher budget.',
  ancestor_exhausted:
    'This call does not fit into what the key that this one was minted from may spend. Ask its owner for a higher limit.',
};

/** As its owner set it. */
function nameOf({ name, budget }: LimitReading): string {
  if (budget !== null) return `the budget of ${amountOf(budget)}`;
  return limitName(name);
}

function amountOf({ nanoUsd, period }: BudgetLimit): string {
  return `${usdText(nanoUsd)} ${period === 'total' ? 'in total' : `per ${period}`}`;
}
