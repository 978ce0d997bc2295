/** What a fake provider says, whatever format it says it in. */
export interface Said {
  readonly id: string;
  readonly model: string;
  /** Reasoning, signed where the format has signatures. */
  readonly thinking?: { readonly text: string; readonly signature: string };
  readonly text?: string;
  readonly calls?: readonly SaidCall[];
  /** The texts of further choices. */
  readonly others?: readonly string[];
  /** The text, token by token. */
  readonly tokens?: readonly SaidToken[];
  /** Of the web, and what of the text rests on it. */
  readonly page?: SaidCitation & { readonly url: string };
  /** What the caller or the vendor keeps, and what of the text rests on it. */
  readonly document?: SaidCitation;
  /** What of the text stands somewhere word for word. */
  readonly recited?: SaidCitation & { readonly url: string };
  /** Pages that no stretch of the text names. */
  readonly sources?: readonly { readonly url: string; readonly title: string }[];
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'blocked';
  readonly usage: SaidUsage;
}

export interface SaidCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface SaidToken {
  readonly token: string;
  readonly logprob: number;
  /** What else might have stood there. */
  readonly other: { readonly token: string; readonly logprob: number };
}

export interface SaidCitation {
  /** A stretch of the answer's text. */
  readonly stretch: string;
  readonly title: string;
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
  /** What only some formats can say, and this one can. */
  readonly says: readonly ('others' | 'tokens' | 'page' | 'document' | 'recited' | 'sources')[];
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

/** The same, or its tokens where they are told. */
export function textPieces({ text, tokens }: Said): readonly string[] {
  return tokens?.map(({ token }) => token) ?? pieces(text ?? '');
}

/** Where the stretch stands in the text, in UTF-16 units, and the text around it. */
export function placeOf(text: string, stretch: string) {
  const from = text.indexOf(stretch);
  const to = from + stretch.length;
  return { from, to, before: text.slice(0, from), after: text.slice(to) };
}

/** An event stream of `data` lines, and of names where there are any. */
export function events(list: readonly (readonly [name: string | null, data: unknown])[]): readonly Buffer[] {
  return list.map(([name, data]) =>
    Buffer.from(
      `${name === null ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    ),
  );
}
