/** Hosts that serve a vendor's format in a way of their own. */
import type { DialectName, ProviderDialect } from './dialect.ts';
import { PROVIDER_DIALECTS } from './provider-dialects.ts';
import { DIALECTS } from './index.ts';

/** https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference: below the publisher, without a version. */
const vertexGemini: ProviderDialect = {
  ...withoutModelList(DIALECTS.gemini),
  upstreamPath: (operation, model, stream, query) =>
    DIALECTS.gemini.upstreamPath(operation, model, stream, query)?.replace(/^\/v1(?:beta)?(?=\/)/, '') ?? null,
};

/** https://docs.claude.com/en/api/claude-on-vertex-ai: the model stands in the path, the version in the body. */
const vertexAnthropic: ProviderDialect = {
  ...withoutModelList(DIALECTS.anthropic),
  upstreamPath: (operation, model, stream) => {
    if (operation === 'count_tokens') return '/models/count-tokens:rawPredict';
    if (operation !== 'chat') return null;
    return `/models/${encodeURIComponent(model)}:${stream ? 'streamRawPredict' : 'rawPredict'}`;
  },
  adaptBody: (body) => ({ anthropic_version: 'vertex-2023-10-16', ...body, model: undefined }),
};

/** Vertex lists its models elsewhere. */
function withoutModelList<T extends ProviderDialect>({
  healthPath: _healthPath,
  ...dialect
}: T): Omit<T, 'healthPath'> {
  return dialect;
}

const VARIANTS: Readonly<Record<string, Readonly<Partial<Record<DialectName, ProviderDialect>>>>> = {
  vertex: { gemini: vertexGemini, anthropic: vertexAnthropic },
};

/** The dialect as this endpoint has it. */
export function dialectOf(name: DialectName, variant: string | undefined): ProviderDialect {
  return (variant === undefined ? undefined : VARIANTS[variant]?.[name]) ?? PROVIDER_DIALECTS[name];
}
