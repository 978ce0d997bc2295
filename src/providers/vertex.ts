import type { Provider } from './provider.ts';
import { VERTEX_AUTH, VERTEX_SETTINGS, vertexUrls } from './vertex-settings.ts';

/** https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference. */
export const vertex: Provider = {
  id: 'vertex',
  name: 'Vertex AI (Gemini)',
  secretEnv: 'VERTEX_CREDENTIALS',
  transport: 'http',
  endpoints: {
    gemini: {
      ...vertexUrls('publishers/google'),
      auth: VERTEX_AUTH,
      headers: {},
      streamUsage: 'always',
      variant: 'vertex',
    },
  },
  settings: VERTEX_SETTINGS,
  models: [],
};
