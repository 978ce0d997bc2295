import type { Provider } from './provider.ts';
import { VERTEX_AUTH, VERTEX_SETTINGS, vertexUrls } from './vertex-settings.ts';

/** https://docs.claude.com/en/api/claude-on-vertex-ai: the version stands in the body, the model in the path. */
export const vertexAnthropic: Provider = {
  id: 'vertex-anthropic',
  name: 'Vertex AI (Claude)',
  secretEnv: 'VERTEX_ANTHROPIC_CREDENTIALS',
  transport: 'http',
  endpoints: {
    anthropic: {
      ...vertexUrls('publishers/anthropic'),
      auth: VERTEX_AUTH,
      headers: {},
      streamUsage: 'always',
      variant: 'vertex',
    },
  },
  settings: VERTEX_SETTINGS,
  models: [],
};
