/** By which names the packages know our providers. */

export interface Vendor {
  readonly prices?: string;
  readonly models?: string;
  readonly abilities?: string;
  /** Which of the packages' models belong here, where they know two of our providers as one. */
  readonly only?: RegExp;
  /** The part of the price that a call in a batch costs, as the vendor's price page says. */
  readonly batch?: number;
  /** The seconds of sound that a transcript is paid for at least. */
  readonly audioSecondsMin?: number;
  /** What the packages leave out: USD for a million characters that are spoken, and for an hour of sound that is written down. */
  readonly speech?: Readonly<Record<string, number>>;
  readonly transcripts?: Readonly<Record<string, number>>;
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

/** https://developers.openai.com/api/docs/models/tts-1, …/tts-1-hd, read on 2026-11-28. */
const OPENAI_SPEECH = { 'tts-1': 15, 'tts-1-1106': 15, 'tts-1-hd': 30, 'tts-1-hd-1106': 30 };

/** https://openrouter.ai/hexgrad/kokoro-82m, …/openai/whisper-1, …/openai/whisper-large-v3-turbo, read on 2026-11-28. */
const OPENROUTER_SPEECH = { 'hexgrad/kokoro-82m': 0.62 };
const OPENROUTER_TRANSCRIPTS = { 'openai/whisper-1': 0.36, 'openai/whisper-large-v3-turbo': 0.04 };

/** https://docs.venice.ai/models/kokoro-text-to-speech, …/orpheus-tts, …/whisper-large-v3, read on 2026-11-28. */
const VENICE_SPEECH = { 'tts-kokoro': 3.5, 'tts-orpheus': 62.5 };
const VENICE_TRANSCRIPTS = { 'openai/whisper-large-v3': 0.36 };

/** https://console.groq.com/docs/speech-to-text: "Minimum Billed Length". */
const GROQ_SECONDS_MIN = 10;

export const VENDORS: Readonly<Record<string, Vendor>> = {
  openai: {
    prices: 'openai',
    models: 'openai',
    abilities: 'openai',
    batch: 0.5,
    speech: OPENAI_SPEECH,
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
  groq: { prices: 'groq', models: 'groq', abilities: 'groq', batch: 0.5, audioSecondsMin: GROQ_SECONDS_MIN },
  deepseek: { prices: 'deepseek', models: 'deepseek', abilities: 'deepseek' },
  xai: { prices: 'x-ai', models: 'xai', abilities: 'xai' },
  openrouter: {
    prices: 'openrouter',
    models: 'openrouter',
    abilities: 'openrouter',
    speech: OPENROUTER_SPEECH,
    transcripts: OPENROUTER_TRANSCRIPTS,
  },
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
  venice: { abilities: 'venice', speech: VENICE_SPEECH, transcripts: VENICE_TRANSCRIPTS },
  'ollama-cloud': { abilities: 'ollama-cloud' },
};
