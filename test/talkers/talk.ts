/** A conversation with tools, whatever client holds it: one question, two calls, their results, an answer. */
export interface Talk {
  readonly firstText: string;
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly lastText: string;
  /** Empty where the client does not tell the headers of an answer. */
  readonly requestId: string;
}

export interface Gateway {
  readonly url: string;
  readonly key: string;
}

/** Holds the conversation: the first answer comes as a stream, the last one whole. */
export type Talker = (gateway: Gateway, model: string) => Promise<Talk>;

export const QUESTION = 'Weather and time?';

const SCHEMA = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const }, days: { type: 'integer' as const } },
};

export const TOOLS = [
  { name: 'get_weather', description: 'Weather of a city.', schema: SCHEMA },
  { name: 'now', description: 'The time.', schema: { type: 'object' as const, properties: {} } },
];

/** What the tool of this name gives. */
export function result(name: string): string {
  return name === 'now' ? '12:00' : '{"celsius":-3}';
}
