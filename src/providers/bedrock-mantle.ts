import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html; the secret is a Bedrock API key. */
export const bedrockMantle: Provider = {
  id: 'bedrock-mantle',
  name: 'Amazon Bedrock (OpenAI API)',
  secretEnv: 'BEDROCK_MANTLE_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://bedrock-mantle.{region}.api.aws/v1'),
    'openai-responses': responsesAt('https://bedrock-mantle.{region}.api.aws/v1'),
  },
  settings: {
    region: { what: 'the AWS region', env: 'AWS_REGION', default: 'us-east-1' },
  },
  models: [],
};
