/** By which names the packages know our providers. */

export interface Vendor {
  readonly prices?: string;
  readonly models?: string;
  readonly abilities?: string;
  /** Which of the packages' models belong here, where they know two of our providers as one. */
  readonly only?: RegExp;
  /** The part of the price that a call in a batch costs, as the vendor's price page says. */
  readonly batch?: number;
  /** The models that are known not to keep to a JSON schema. */
  readonly withoutSchema?: RegExp;
  /** The models that the Responses API alone serves. */
  readonly responsesOnly?: RegExp;
}

/**
 * OpenAI holds models to a schema from gpt-4o-2024-08-06 on, and o1 but for its first previews:
 * https://platform.openai.com/docs/guides/structured-outputs
 */
const BEFORE_SCHEMAS = /^(?:gpt-3\.?5|gpt-4(?:$|-)|gpt-4o-2024-05-13$|o1-preview|o1-mini)/;

const CLAUDE = /claude/;
const NOT_CLAUDE = /^(?!.*claude)/;

/** As the pages of the models say under "Endpoints": https://platform.openai.com/docs/models */
const RESPONSES_ONLY =
  /^(?:o1-pro|o3-pro|o3-deep-research|o4-mini-deep-research|codex-mini|computer-use|gpt-5[\d.-]*-(?:codex|pro))/;

export const VENDORS: Readonly<Record<string, Vendor>> = {
  openai: {
    prices: 'openai',
    models: 'openai',
    abilities: 'openai',
    batch: 0.5,
    withoutSchema: BEFORE_SCHEMAS,
    responsesOnly: RESPONSES_ONLY,
  },
  anthropic: { prices: 'anthropic', models: 'anthropic', abilities: 'anthropic', batch: 0.5 },
  gemini: { prices: 'google', models: 'google', abilities: 'google', only: NOT_CLAUDE, batch: 0.5 },
  azure: {
    prices: 'azure',
    models: 'azure',
    abilities: 'azure',
    only: NOT_CLAUDE,
    batch: 0.5,
    withoutSchema: BEFORE_SCHEMAS,
    responsesOnly: RESPONSES_ONLY,
  },
  'azure-anthropic': { prices: 'anthropic', models: 'anthropic', abilities: 'anthropic', batch: 0.5 },
  vertex: { prices: 'google', models: 'google-vertex', abilities: 'google-vertex', only: /^gemini/, batch: 0.5 },
  'vertex-anthropic': { prices: 'google', abilities: 'google-vertex', only: CLAUDE, batch: 0.5 },
  bedrock: { prices: 'aws', models: 'amazon-bedrock', abilities: 'amazon-bedrock', batch: 0.5 },
  'bedrock-mantle': { prices: 'aws', abilities: 'bedrock-mantle' },
  mistral: { prices: 'mistral', models: 'mistral', abilities: 'mistral', batch: 0.5 },
  cohere: { prices: 'cohere' },
  groq: { prices: 'groq', models: 'groq', abilities: 'groq', batch: 0.5 },
  deepseek: { prices: 'deepseek', models: 'deepseek', abilities: 'deepseek' },
  xai: { prices: 'x-ai', models: 'xai', abilities: 'xai' },
  openrouter: { prices: 'openrouter', models: 'openrouter', abilities: 'openrouter' },
  together: { prices: 'together', models: 'together', abilities: 'together' },
  fireworks: { prices: 'fireworks', models: 'fireworks', abilities: 'fireworks' },
  perplexity: { prices: 'perplexity' },
  cerebras: { prices: 'cerebras', models: 'cerebras', abilities: 'cerebras' },
  nvidia: { models: 'nvidia', abilities: 'nvidia' },
  huggingface: { models: 'huggingface', abilities: 'huggingface' },
  cloudflare: { prices: 'cloudflare', models: 'cloudflare-workers-ai' },
  deepinfra: { abilities: 'deepinfra' },
  novita: { prices: 'novita', abilities: 'novita' },
  moonshot: { prices: 'moonshotai', models: 'moonshotai', abilities: 'moonshot' },
  zai: { prices: 'zai', models: 'zai', abilities: 'zai' },
  zhipu: { prices: 'zhipuai' },
  minimax: { prices: 'minimax', models: 'minimax', abilities: 'minimax' },
  stepfun: { abilities: 'stepfun' },
  voyage: { prices: 'voyageai' },
  baseten: { prices: 'baseten', models: 'baseten', abilities: 'baseten' },
  vercel: { models: 'vercel-ai-gateway', abilities: 'vercel-ai-gateway' },
  xiaomi: { models: 'xiaomi', abilities: 'xiaomi' },
  ovhcloud: { prices: 'ovhcloud' },
  wandb: { abilities: 'coreweave' },
  venice: { abilities: 'venice' },
  'ollama-cloud': { abilities: 'ollama-cloud' },
};
