import { anthropicClient } from './anthropic/client-codec.ts';
import { anthropicProvider } from './anthropic/provider-codec.ts';
import { bedrockProvider } from './bedrock/provider-codec.ts';
import type { ClientCodec, ProviderCodec } from './codec.ts';
import { cohereProvider } from './cohere/provider-codec.ts';
import type { ClientDialectName, DialectName } from './dialect.ts';
import { geminiClient } from './gemini/client-codec.ts';
import { geminiProvider } from './gemini/provider-codec.ts';
import { mistralProvider } from './mistral/provider-codec.ts';
import { openaiClient } from './openai/client-codec.ts';
import { openaiProvider, openaiProviderFor } from './openai/provider-codec.ts';
import { replicateProvider } from './replicate/provider-codec.ts';
import { responsesClient } from './responses/client-codec.ts';
import { voyageRerank } from './rerank.ts';
import { responsesProvider } from './responses/provider-codec.ts';

/** What clients speak, to and from the canonical form. */
export const CLIENT_CODECS: Readonly<Record<ClientDialectName, ClientCodec>> = {
  openai: openaiClient,
  'openai-responses': responsesClient,
  anthropic: anthropicClient,
  gemini: geminiClient,
};

/** What providers speak, to and from the canonical form. */
export const PROVIDER_CODECS: Readonly<Record<DialectName, ProviderCodec>> = {
  openai: openaiProvider,
  'openai-responses': responsesProvider,
  anthropic: anthropicProvider,
  gemini: geminiProvider,
  bedrock: bedrockProvider,
  cohere: cohereProvider,
  mistral: mistralProvider,
  replicate: replicateProvider,
};

/** How a host has a dialect; what is left out is as most have it. */
export interface HostHabits {
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  readonly reasoningBack?: 'reasoning_content' | 'reasoning_details';
  readonly rerankForm?: 'voyage';
}

/** The codec as an endpoint needs it: hosts of OpenAI's dialects differ in some fields. */
export function providerCodec(name: DialectName, habits: HostHabits): ProviderCodec {
  const codec = PROVIDER_CODECS[name] === openaiProvider ? chatCodec(habits) : PROVIDER_CODECS[name];
  return habits.rerankForm === undefined ? codec : { ...codec, rerank: voyageRerank };
}

function chatCodec({ maxTokensField, reasoningBack }: HostHabits): ProviderCodec {
  if (maxTokensField === undefined && reasoningBack === undefined) return openaiProvider;
  return openaiProviderFor({
    ...(maxTokensField !== undefined && { maxTokensField }),
    // Who knows the newer field is OpenAI itself, or serves its models.
    isOpenai: maxTokensField === 'max_completion_tokens',
    thinking: reasoningBack ?? 'none',
  });
}
