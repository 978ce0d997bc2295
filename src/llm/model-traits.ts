/**
 * What is known of a model that decides how a request is written. `null` means that nobody knows:
 * the request goes out as asked, and the provider decides.
 */
export interface ModelTraits {
  /** Input and output together. */
  readonly contextTokens: number | null;
  readonly outputTokensMax: number | null;
  /** What it takes in. */
  readonly images: boolean | null;
  readonly files: boolean | null;
  readonly audio: boolean | null;
  readonly tools: boolean | null;
  /** Whether it keeps to a JSON schema given with the request. */
  readonly structuredOutput: boolean | null;
  readonly reasoning: boolean | null;
  /**
   * How its reasoning is asked for: `effort` by a word, `budget` by a number of tokens, `adaptive`
   * (Anthropic) left to the model and steered by an effort.
   */
  readonly reasoningStyle: 'effort' | 'budget' | 'adaptive' | null;
  /** Whether it takes `temperature` and `topP` as asked. */
  readonly sampling: boolean | null;
  /** Whether OpenAI's Responses API alone serves it, and not its chat completions. */
  readonly responsesOnly: boolean | null;
}

/** Nothing is known. */
export const UNKNOWN_TRAITS: ModelTraits = {
  contextTokens: null,
  outputTokensMax: null,
  images: null,
  files: null,
  audio: null,
  tools: null,
  structuredOutput: null,
  reasoning: null,
  reasoningStyle: null,
  sampling: null,
  responsesOnly: null,
};
