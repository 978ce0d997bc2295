import { BEARER } from './endpoints.ts';
import type { Provider } from './provider.ts';

/**
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; a secret is a Bedrock API key
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html), or access keys to sign with.
 */
export const bedrock: Provider = {
  id: 'bedrock',
  name: 'Amazon Bedrock',
  secretEnv: 'AWS_BEARER_TOKEN_BEDROCK',
  transport: 'http',
  endpoints: {
    bedrock: {
      baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
      auth: { ...BEARER, kind: 'aws-sigv4', service: 'bedrock', region: '{region}' },
      headers: {},
      streamUsage: 'always',
    },
  },
  settings: {
    region: { what: 'the AWS region', env: 'AWS_REGION', default: 'us-east-1' },
  },
  models: [],
};
