/** What a fake provider says, whatever format it says it in. */
export interface Said {
  readonly id: string;
  readonly model: string;
  /** Reasoning, signed where the format has signatures. */
  readonly thinking?: { readonly text: string; readonly signature: string };
  readonly text?: string;
  readonly calls?: readonly SaidCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'blocked';
  readonly usage: SaidUsage;
}

export interface SaidCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Inclusive: input holds what is cached, output holds reasoning. */
export interface SaidUsage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
}

/** A format as a provider speaks it. */
export interface Speaker {
  readonly contentType: string;
  readonly streamType: string;
  /** The whole answer. */
  whole(said: Said): object;
  /** The bytes of a stream, event by event. */
  stream(said: Said): readonly Buffer[];
}

/** The text in two pieces, so that every stream has deltas to be put together. */
export function pieces(text: string): readonly string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '');
}

/** An event stream of `data` lines, and of names where there are any. */
export function events(list: readonly (readonly [name: string | null, data: unknown])[]): readonly Buffer[] {
  return list.map(([name, data]) =>
    Buffer.from(
      `${name === null ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    ),
  );
}
