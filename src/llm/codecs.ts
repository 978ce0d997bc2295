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
};

type LimitName = 'max_tokens' | 'max_completion_tokens';

const BY_LIMIT: Readonly<Partial<Record<DialectName, Readonly<Record<LimitName, ProviderCodec>>>>> = {
  openai: {
    max_tokens: openaiProviderFor({ maxTokensField: 'max_tokens' }),
    max_completion_tokens: openaiProviderFor({
      maxTokensField: 'max_completion_tokens',
      developerRole: true,
      textLists: true,
    }),
  },
};

/** In what hosts of one dialect differ. */
interface HostForms {
  readonly maxTokensField?: LimitName;
  readonly rerankForm?: 'voyage';
}

/** The codec as an endpoint needs it: hosts of OpenAI's dialect differ in the name of the output's limit, and in reranking. */
export function providerCodec(name: DialectName, { maxTokensField, rerankForm }: HostForms): ProviderCodec {
  const limited = maxTokensField === undefined ? undefined : BY_LIMIT[name]?.[maxTokensField];
  const codec = limited ?? PROVIDER_CODECS[name];
  return rerankForm === undefined ? codec : { ...codec, rerank: voyageRerank };
}
