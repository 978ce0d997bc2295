/** The forms that endpoints of most vendors have. */
import type { ProviderAuth, ProviderEndpoint } from './provider.ts';

export const BEARER: ProviderAuth = { header: 'authorization', prefix: 'Bearer ' };
export const X_API_KEY: ProviderAuth = { header: 'x-api-key', prefix: '' };

type Differing = Partial<Omit<ProviderEndpoint, 'baseUrl'>>;

/** OpenAI's chat completions, and what else the vendor has of OpenAI's API. */
export function openaiAt(baseUrl: string, differing: Differing = {}): ProviderEndpoint {
  return { baseUrl, auth: BEARER, headers: {}, streamUsage: 'when-asked', ...differing };
}

/** OpenAI's Responses: its streams always tell usage. */
export function responsesAt(baseUrl: string, differing: Differing = {}): ProviderEndpoint {
  return { baseUrl, auth: BEARER, headers: {}, streamUsage: 'always', ...differing };
}

/** Anthropic's Messages. The version header is required: https://docs.claude.com/en/api/versioning */
export function anthropicAt(baseUrl: string, differing: Differing = {}): ProviderEndpoint {
  return {
    baseUrl,
    auth: X_API_KEY,
    headers: { 'anthropic-version': '2023-06-01' },
    streamUsage: 'always',
    ...differing,
  };
}
