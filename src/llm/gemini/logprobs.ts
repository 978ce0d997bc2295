/** `logprobsResult` (https://ai.google.dev/api/generate-content#LogprobsResult). */
import type { TokenLogprob } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';

/** The tokens, each with its alternatives. */
export function logprobsOf(result: unknown): readonly TokenLogprob[] {
  const { chosenCandidates, topCandidates } = recordOf(result);
  if (!Array.isArray(chosenCandidates)) return [];
  const tops: readonly unknown[] = Array.isArray(topCandidates) ? topCandidates : [];
  return chosenCandidates.map((chosen, index) => {
    const { candidates } = recordOf(tops[index]);
    return { ...tokenOf(chosen), top: Array.isArray(candidates) ? candidates.map(tokenOf) : [] };
  });
}

function tokenOf(value: unknown): { readonly token: string; readonly logprob: number; readonly bytes: null } {
  const { token, logProbability } = recordOf(value);
  return {
    token: typeof token === 'string' ? token : '',
    logprob: typeof logProbability === 'number' ? logProbability : 0,
    bytes: null,
  };
}

/** The member of a candidate, or nothing where there are none. */
export function logprobsMember(logprobs: readonly TokenLogprob[]): JsonRecord {
  if (logprobs.length === 0) return {};
  const chosenCandidates = logprobs.map(candidateOf);
  const topCandidates = logprobs.map(({ top }) => ({ candidates: top.map(candidateOf) }));
  return { logprobsResult: { topCandidates, chosenCandidates } };
}

function candidateOf({ token, logprob }: Pick<TokenLogprob, 'token' | 'logprob'>): JsonRecord {
  return { token, logProbability: logprob };
}
