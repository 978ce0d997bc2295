/** What matters of an answer, and what the plain readers of all formats need. */
export type Json = Readonly<Record<string, unknown>>;

/** What matters of an answer, whatever its format. */
export interface Gist {
  /** The text, refusals included, reasoning not. */
  readonly text: string;
  /** The reasoning as far as it is shown, without blanks: formats set paragraphs differently. */
  readonly reasoning: string;
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly ending: Ending;
  /** Inclusive; null where nothing is told. */
  readonly usage: Counts | null;
}

/** `failed`: an error is told instead of an end, or in place of one. */
export type Ending = 'stop' | 'length' | 'tool_calls' | 'blocked' | 'failed';

export interface Counts {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

/** A format as it is read. */
export interface PlainFormat {
  whole(body: Json): Gist;
  /** The whole answer out of the events of a stream. */
  fold(events: readonly Json[]): Json;
}

export function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** No arguments are an empty object; what was cut off stays the text that it is. */
export function parsed(text: unknown): unknown {
  if (word(text) === '') return {};
  try {
    return JSON.parse(word(text)) ?? {};
  } catch {
    return text;
  }
}

export function last<T>(values: readonly T[], test: (value: T) => boolean): T | undefined {
  return values.filter(test).at(-1);
}

/** A natural end after a call is a wait for the tool: Google says so of every call, forced calls elsewhere. */
export function gist({ reasoning, calls, ending = 'stop', usage, ...said }: Said): Gist {
  return {
    ...said,
    reasoning: reasoning.replaceAll(/\s+/g, ''),
    calls,
    ending: calls.length > 0 && ending === 'stop' ? 'tool_calls' : ending,
    usage: orNothing(usage),
  };
}

interface Said extends Omit<Gist, 'ending'> {
  readonly ending: Ending | undefined;
}

/** A format whose usage is obligatory says nothing with zeros. */
export function orNothing(usage: Counts | null): Counts | null {
  return usage?.input === 0 && usage.output === 0 ? null : usage;
}
