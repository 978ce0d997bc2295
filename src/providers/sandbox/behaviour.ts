/** How the sandbox answers, chosen by the model's name alone. */
export interface Behaviour {
  readonly reply: 'echo' | 'long' | 'fifty' | 'tool';
  /** 200, or the error to answer with. */
  readonly status: number;
  readonly firstByteMs: number;
  /** Between the events of a stream. */
  readonly betweenMs: number;
  /** The answer breaks off in the middle. */
  readonly cut: boolean;
}

const ECHO: Behaviour = { reply: 'echo', status: 200, firstByteMs: 0, betweenMs: 0, cut: false };

const NAMED: ReadonlyMap<string, Behaviour> = new Map([
  ['echo', ECHO],
  ['tool', { ...ECHO, reply: 'tool' }],
  ['slow', { ...ECHO, firstByteMs: 2000, betweenMs: 200 }],
  ['long', { ...ECHO, reply: 'long' }],
  ['fast50', { ...ECHO, reply: 'fifty' }],
  ['cut', { ...ECHO, cut: true }],
]);

const ERROR_STATUSES: readonly number[] = [400, 401, 403, 404, 408, 429, 500, 503, 529];
const DELAY_MS_MAX = 60_000;

/** The names that are listed; `delay-<ms>` takes any number up to 60000. */
export const SANDBOX_MODELS: readonly string[] = [
  ...NAMED.keys(),
  'delay-1000',
  ...ERROR_STATUSES.map((status) => `error-${status}`),
];

/** What a model does, or null if there is no such model. */
export function behaviourOf(model: string): Behaviour | null {
  const named = NAMED.get(model);
  if (named !== undefined) return named;
  const [, kind, digits] = /^(delay|error)-(\d{1,5})$/.exec(model) ?? [];
  const number = Number(digits);
  if (kind === 'delay' && number <= DELAY_MS_MAX) return { ...ECHO, firstByteMs: number };
  if (kind === 'error' && ERROR_STATUSES.includes(number)) return { ...ECHO, status: number };
  return null;
}
