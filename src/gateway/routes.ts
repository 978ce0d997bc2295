import { DIALECTS } from '../llm/index.ts';
import type { Dialect, ClientDialectName, ModelOperation } from '../llm/dialect.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { RequestHead } from './request-head.ts';

/** What a path and a method ask for. */
export type Route = ProbeRoute | ModelsRoute | ModelRoute | PassthroughRoute;

/** `healthz`: the process is alive; `readyz`: it wants new calls. */
export interface ProbeRoute {
  readonly kind: 'probe';
  readonly probe: 'healthz' | 'readyz';
}

/** What models there are, or one of them. */
export interface ModelsRoute {
  readonly kind: 'models';
  readonly dialect: Dialect;
  /** Null for all. */
  readonly model: string | null;
}

/** A call of a model through one of the dialects' own paths. */
export interface ModelRoute {
  readonly kind: 'model';
  readonly dialect: Dialect;
  readonly operation: ModelOperation;
  /** The model where the path names it (Gemini), else null. */
  readonly model: string | null;
  /** Whether the path itself asks for a stream (Gemini). */
  readonly stream: boolean;
}

/** Anything below a provider's own base URL. */
export interface PassthroughRoute {
  readonly kind: 'passthrough';
  readonly providerId: string;
  /** Path below the provider's base URL, with its leading slash. */
  readonly rest: string;
}

/** Paths whose body names the model. */
const MODEL_PATHS: Readonly<Record<string, ModelRoute>> = {
  '/v1/chat/completions': modelRoute('openai', 'chat'),
  '/v1/completions': modelRoute('openai', 'completions'),
  '/v1/embeddings': modelRoute('openai', 'embeddings'),
  '/v1/rerank': modelRoute('openai', 'rerank'),
  '/v1/moderations': modelRoute('openai', 'moderation'),
  '/v1/images/generations': modelRoute('openai', 'image_generation'),
  '/v1/images/edits': modelRoute('openai', 'image_edit'),
  '/v1/images/variations': modelRoute('openai', 'image_variation'),
  '/v1/audio/speech': modelRoute('openai', 'speech'),
  '/v1/audio/transcriptions': modelRoute('openai', 'transcription'),
  '/v1/audio/translations': modelRoute('openai', 'translation'),
  '/v1/responses': modelRoute('openai-responses', 'chat'),
  '/v1/messages': modelRoute('anthropic', 'chat'),
  '/v1/messages/count_tokens': modelRoute('anthropic', 'count_tokens'),
};

/** What stands behind the colon of a Gemini path: a map, because callers may write `constructor` there. */
const GEMINI_VERBS: ReadonlyMap<string, { readonly operation: ModelOperation; readonly stream: boolean }> = new Map([
  ['generateContent', { operation: 'chat', stream: false }],
  ['streamGenerateContent', { operation: 'chat', stream: true }],
  ['countTokens', { operation: 'count_tokens', stream: false }],
  ['embedContent', { operation: 'embeddings', stream: false }],
  ['batchEmbedContents', { operation: 'batch_embeddings', stream: false }],
]);

/** Google's client asks the stable version when it was given another base URL, and the beta otherwise. */
const GEMINI_MODELS = ['/v1beta/models/', '/v1/models/'] as const;
const PROVIDERS = '/providers/';
/** What an API may be asked with. Not TRACE: its answer repeats the request, the provider's credential included. */
export const PASSTHROUGH_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

function modelRoute(dialect: ClientDialectName, operation: ModelOperation): ModelRoute {
  return { kind: 'model', dialect: DIALECTS[dialect], operation, model: null, stream: false };
}

/** The route of a request, or why there is none. */
export function matchRoute(method: string, head: RequestHead): Route | Refusal {
  const { path } = head;
  const model = matchModelPath(path);
  if (model !== null) return method === 'POST' ? model : wrongMethod('POST');
  if (path.startsWith(PROVIDERS)) return matchPassthrough(method, path);
  switch (path) {
    case '/v1/models':
      return readOnly(method, { kind: 'models', dialect: listDialect(head), model: null });
    case '/v1beta/models':
      return readOnly(method, { kind: 'models', dialect: DIALECTS.gemini, model: null });
    case '/healthz':
      return readOnly(method, { kind: 'probe', probe: 'healthz' });
    case '/readyz':
      return readOnly(method, { kind: 'probe', probe: 'readyz' });
    default:
      return (method === 'GET' || method === 'HEAD' ? matchListedModel(head) : null) ?? refusal('path_not_found');
  }
}

/** One model of the list, by its name behind the list's path. */
function matchListedModel(head: RequestHead): ModelsRoute | null {
  for (const prefix of GEMINI_MODELS) {
    if (!head.path.startsWith(prefix)) continue;
    const model = decodeSegment(head.path.slice(prefix.length));
    const dialect = prefix === '/v1/models/' ? listDialect(head) : DIALECTS.gemini;
    return model === null || model === '' ? null : { kind: 'models', dialect, model };
  }
  return null;
}

/** Three vendors have a `/v1/models`; their clients differ in the headers they send. */
function listDialect(head: RequestHead): Dialect {
  if (head.anthropicVersion) return DIALECTS.anthropic;
  return head.xGoogApiKey === null ? DIALECTS.openai : DIALECTS.gemini;
}

/** The model call that a path of a dialect asks for, or null. */
export function matchModelPath(path: string): ModelRoute | null {
  const known = MODEL_PATHS[path];
  if (known !== undefined) return known;
  for (const prefix of GEMINI_MODELS) if (path.startsWith(prefix)) return matchGemini(path, prefix.length);
  return null;
}

/** The dialect to speak about a request whose route is not known, or not yet. */
export function guessDialect(path: string): Dialect {
  if (path.startsWith('/v1/messages')) return DIALECTS.anthropic;
  if (path.startsWith('/v1beta/') || (path.startsWith('/v1/models/') && path.includes(':'))) return DIALECTS.gemini;
  return DIALECTS.openai;
}

/** `{model}:{verb}` behind the prefix, where the model may hold slashes, encoded or not, and colons. */
function matchGemini(path: string, from: number): ModelRoute | null {
  const colon = path.lastIndexOf(':');
  if (colon === -1) return null;
  const verb = GEMINI_VERBS.get(path.slice(colon + 1));
  if (verb === undefined) return null;
  const model = decodeSegment(path.slice(from, colon));
  return model === null || model === '' ? null : { kind: 'model', dialect: DIALECTS.gemini, model, ...verb };
}

function matchPassthrough(method: string, path: string): PassthroughRoute | Refusal {
  const slash = path.indexOf('/', PROVIDERS.length);
  if (slash === -1 || slash === PROVIDERS.length) {
    return refusal('path_not_found', { message: 'Name a provider and a path of its API: /providers/{provider}/…' });
  }
  if (!PASSTHROUGH_METHODS.includes(method)) return wrongMethod(PASSTHROUGH_METHODS.join(', '));
  return { kind: 'passthrough', providerId: path.slice(PROVIDERS.length, slash), rest: path.slice(slash) };
}

function readOnly(method: string, route: Route): Route | Refusal {
  return method === 'GET' || method === 'HEAD' ? route : wrongMethod('GET, HEAD');
}

function wrongMethod(allow: string): Refusal {
  return refusal('method_not_allowed', {
    message: `This path accepts only ${allow}.`,
    headers: ['allow', allow],
  });
}

function decodeSegment(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // not UTF-8 behind the percent signs: no model has such a name
  }
}
