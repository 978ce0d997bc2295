import type { ErrorCode } from '../errors.ts';
import { refusal } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import type { RequestFacts } from '../keys/decision-input.ts';

/** What a policy is asked about. Holds no secret. */
export interface PolicyContext {
  readonly kind: 'verify' | 'resolve' | 'call';
  readonly kid: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly applicationId: string;
  readonly facts: RequestFacts;
}

/** What a call came to, for policies that look afterwards. */
export interface PolicyOutcome {
  readonly requestId: string;
  readonly status: number;
  readonly code: ErrorCode | 'ok';
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanoUsd: number | null;
}

/** Why a policy refuses: public text, told to the caller with `policy_denied`. */
export interface PolicyRefusal {
  readonly message: string;
}

type BeforePolicy = (ctx: PolicyContext) => void | PolicyRefusal | Promise<void | PolicyRefusal>;

/** A rule of one's own. The engine has its say first: a policy can only refuse more, never allow more. */
export type Policy =
  | BeforePolicy
  | {
      readonly before?: BeforePolicy;
      /** Once the answer is out; it can refuse nothing any more. */
      readonly after?: (ctx: PolicyContext, outcome: PolicyOutcome) => void | Promise<void>;
    };

export interface Policies {
  /** Whether there is anything to ask, so that who has no policies pays nothing. */
  readonly asksBefore: boolean;
  readonly asksAfter: boolean;
  before(ctx: PolicyContext): Promise<Refusal | null>;
  after(ctx: PolicyContext, outcome: PolicyOutcome): Promise<void>;
}

export function createPolicies(list: readonly Policy[], onError: (error: Error) => void): Policies {
  const before = list.flatMap((policy) => (typeof policy === 'function' ? policy : (policy.before ?? [])));
  const after = list.flatMap((policy) => (typeof policy === 'function' ? [] : (policy.after ?? [])));
  return {
    asksBefore: before.length > 0,
    asksAfter: after.length > 0,
    before: async (ctx) => {
      for (const ask of before) {
        try {
          const refused = await ask(ctx);
          if (refused !== undefined) return refusal('policy_denied', { message: refused.message });
        } catch (cause) {
          // Closed: a rule that cannot be asked might have refused.
          onError(new Error('a policy failed; the call was refused', { cause }));
          return refusal('policy_denied');
        }
      }
      return null;
    },
    after: async (ctx, outcome) => {
      for (const tell of after) {
        try {
          await tell(ctx, outcome);
        } catch (cause) {
          onError(new Error('a policy failed after a call', { cause }));
        }
      }
    },
  };
}
