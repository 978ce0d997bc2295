import type { ClientDialectName } from '../llm/dialect.ts';
import { ANY_MODEL } from './provider.ts';
import type { Provider, ProviderEndpoint } from './provider.ts';
import { SANDBOX_MODELS } from './sandbox/behaviour.ts';

/** Nothing is ever sent there: `.invalid` cannot be resolved (RFC 6761, section 6.4). */
const ENDPOINT: ProviderEndpoint = {
  baseUrl: 'http://sandbox.invalid',
  auth: { header: '', prefix: '' },
  headers: {},
  streamUsage: 'when-asked',
};

const ENDPOINTS: Readonly<Record<ClientDialectName, ProviderEndpoint>> = {
  openai: ENDPOINT,
  'openai-responses': ENDPOINT,
  anthropic: ENDPOINT,
  gemini: ENDPOINT,
};

/** The built-in provider that answers without an account: deterministic, in every dialect. */
export const sandbox: Provider = {
  id: 'sandbox',
  name: 'Sandbox',
  secretEnv: null,
  transport: 'in-process',
  endpoints: ENDPOINTS,
  models: SANDBOX_MODELS,
  // Play money: so that budgets can be tried without an account.
  prices: {
    [ANY_MODEL]: {
      input: 1,
      output: 2,
      cachedInput: 0.1,
      perImage: 0.01,
      perMillionCharacters: 15,
      perAudioHour: 0.36,
    },
  },
};
