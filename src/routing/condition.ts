import { compileWildcard, matchWildcard } from './wildcard.ts';

/** When a target is for a call: all that is said must hold. */
export interface Condition {
  /** The call carries any of these tags. */
  readonly tags?: readonly string[];
  /** Lower-case name and value, in which one `*` stands for any text. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ids of keys. */
  readonly keys?: readonly string[];
  readonly applications?: readonly string[];
  /** By the estimated tokens of the input. */
  readonly promptTokensMin?: number;
  readonly promptTokensMax?: number;
  readonly stream?: boolean;
}

export interface CallFacts {
  readonly tags: readonly string[];
  /** By lower-case name. */
  readonly header: (name: string) => string | null;
  readonly keyId: string | null;
  readonly applicationId: string | null;
  readonly promptTokens: number;
  readonly stream: boolean;
}

export function holds(condition: Condition | null, facts: CallFacts): boolean {
  if (condition === null) return true;
  const { tags, headers, keys, applications, promptTokensMin, promptTokensMax, stream } = condition;
  if (tags !== undefined && !tags.some((tag) => facts.tags.includes(tag))) return false;
  if (keys !== undefined && !keys.includes(facts.keyId ?? '')) return false;
  if (applications !== undefined && !applications.includes(facts.applicationId ?? '')) return false;
  if (promptTokensMin !== undefined && facts.promptTokens < promptTokensMin) return false;
  if (promptTokensMax !== undefined && facts.promptTokens > promptTokensMax) return false;
  if (stream !== undefined && facts.stream !== stream) return false;
  return headers === undefined || Object.entries(headers).every(([name, value]) => hasValue(facts, name, value));
}

function hasValue({ header }: CallFacts, name: string, wanted: string): boolean {
  const value = header(name);
  return value !== null && (wanted === '*' || matchWildcard(compileWildcard(wanted), value) !== null);
}
