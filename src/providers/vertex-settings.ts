import { BEARER } from './endpoints.ts';
import type { ProviderAuth, ProviderEndpoint, ProviderSetting } from './provider.ts';

/** https://cloud.google.com/vertex-ai/docs/authentication; an access token does for a secret, too, while it lasts. */
export const VERTEX_AUTH: ProviderAuth = {
  ...BEARER,
  kind: 'google-oauth',
  scope: 'https://www.googleapis.com/auth/cloud-platform',
};

export const VERTEX_SETTINGS: Readonly<Record<string, ProviderSetting>> = {
  project: { what: 'the id of the Google Cloud project', env: 'GOOGLE_CLOUD_PROJECT', default: null },
  region: { what: 'a region of Google Cloud, us, eu or global', env: 'GOOGLE_CLOUD_LOCATION', default: 'global' },
};

/**
 * Regions have hosts of their own, as have the multi-regions; the global endpoint has no region in
 * its host: https://docs.cloud.google.com/gemini-enterprise-agent-platform/resources/locations
 */
export function vertexUrls(beneath: string): Pick<ProviderEndpoint, 'baseUrl' | 'baseUrlWhere'> {
  const at = (host: string): string => `https://${host}/v1/projects/{project}/locations/{region}/${beneath}`;
  return {
    baseUrl: at('{region}-aiplatform.googleapis.com'),
    baseUrlWhere: {
      setting: 'region',
      is: {
        global: at('aiplatform.googleapis.com'),
        us: at('aiplatform.us.rep.googleapis.com'),
        eu: at('aiplatform.eu.rep.googleapis.com'),
      },
    },
  };
}
