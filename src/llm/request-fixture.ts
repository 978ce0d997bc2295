import type { ChatRequest } from './canonical.ts';

/** A request that says nothing: what tests build theirs of. */
export const BLANK_REQUEST: ChatRequest = {
  model: 'house/model',
  stream: false,
  wantsStreamUsage: true,
  turns: [],
  tools: [],
  toolChoice: null,
  parallelToolCalls: null,
  outputTokensMax: null,
  temperature: null,
  topP: null,
  topK: null,
  stop: [],
  seed: null,
  choices: null,
  presencePenalty: null,
  frequencyPenalty: null,
  logprobs: null,
  logitBias: null,
  format: null,
  reasoning: null,
  user: null,
  cacheKey: null,
  extra: {},
  extraOf: 'openai',
};
