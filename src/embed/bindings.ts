/** What keys stand for, as far as it was asked for lately: real keys in clear live here and nowhere else. */
import { parseBaseUrl } from '../config/base-url.ts';
import type { EndpointSnapshot, ProviderSnapshot, WorkspaceSnapshot } from '../config/snapshot.ts';
import type { LiveEndpoint, LiveProvider, LiveWorkspace } from '../gateway/live-config.ts';
import type { Upstream } from '../gateway/upstream.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { DialectName } from '../llm/dialect.ts';
import { DIALECTS } from '../llm/index.ts';
import { priceOf } from '../llm/stated-price.ts';
import type { KeywardStorage, RealKeyRow } from './storage-port.ts';
import type { Upstreams } from './upstreams.ts';

/** A real key ready to be presented. */
export interface LiveReal {
  readonly row: RealKeyRow;
  readonly secret: string;
  readonly pathPrefix: string;
  readonly upstream: Upstream;
  readonly provider: LiveProvider;
  /** The workspace of all keys, with this provider as its only one. */
  readonly workspace: LiveWorkspace;
}

/** What is known of a key beside what the engine needs. */
export interface Binding {
  readonly name: string;
  readonly tags: readonly string[];
  readonly realId: string | null;
}

export interface BindingsOptions {
  readonly storage: Pick<KeywardStorage, 'getKey' | 'getReal'>;
  readonly upstreams: Upstreams;
  readonly workspace: WorkspaceSnapshot;
}

export interface Bindings {
  /** Null: there is no such key. Rejects when the storage does. */
  ofKey(kid: string): Promise<Binding | null> | Binding | null;
  real(id: string): Promise<LiveReal | null> | LiveReal | null;
  forgetKey(kid: string): void;
  forgetReal(id: string): void;
}

const KEYS_MAX = 100_000;
const REALS_MAX = 10_000;
/** While others change keys all the time; what was loaded last is then used once, and not remembered. */
const TRIES_MAX = 10;

export function createBindings({ storage, upstreams, workspace }: BindingsOptions): Bindings {
  const keys = remembered<Binding>(KEYS_MAX, async (kid) => {
    const row = await storage.getKey(kid);
    return row === null ? null : { name: row.name, tags: row.tags, realId: row.realId };
  });
  const reals = remembered<LiveReal>(REALS_MAX, async (id) => {
    const found = await storage.getReal(id);
    return found === null ? null : liveReal(found.row, found.secret, upstreams, workspace);
  });
  return { ofKey: keys.get, real: reals.get, forgetKey: keys.forget, forgetReal: reals.forget };
}

interface Remembered<T> {
  get(id: string): Promise<T | null> | T | null;
  forget(id: string): void;
}

/** What changed while it was loaded is loaded again, so that a change is in force once it was answered. */
function remembered<T>(entriesMax: number, load: (id: string) => Promise<T | null>): Remembered<T> {
  const known = new BoundedMap<string, T>(entriesMax);
  let changes = 0;
  const fetch = async (id: string): Promise<T | null> => {
    for (let tries = 1; ; tries += 1) {
      const before = changes;
      const loaded = await load(id);
      const isCurrent = before === changes;
      if (isCurrent && loaded !== null) known.set(id, loaded);
      if (isCurrent || tries === TRIES_MAX) return loaded;
    }
  };
  return {
    get: (id) => known.get(id) ?? fetch(id),
    forget: (id) => {
      changes += 1;
      known.delete(id);
    },
  };
}

function liveReal(row: RealKeyRow, secret: string, upstreams: Upstreams, workspace: WorkspaceSnapshot): LiveReal {
  const parsed = parseBaseUrl(row.baseUrl);
  // It was checked when the key was made: a storage of one's own may still have lost it.
  if (!parsed.ok) throw new Error(`the base URL of the real key ${row.id} ${parsed.reason}`);
  const { origin, pathPrefix } = parsed.value;
  const upstream = upstreams.of(origin);
  const provider = liveProvider(row, { origin, pathPrefix }, upstream);
  const providers = new Map([[row.provider, provider]]);
  return { row, secret, pathPrefix, upstream, provider, workspace: { snapshot: workspace, providers } };
}

/**
 * A provider of which nothing is known: whatever wire format its paths turn out to have is read for
 * the sake of models and usage, and everything else passes as it is.
 */
function liveProvider(
  row: RealKeyRow,
  place: Pick<EndpointSnapshot, 'origin' | 'pathPrefix'>,
  upstream: Upstream,
): LiveProvider {
  const snapshot: EndpointSnapshot = {
    ...place,
    authHeader: row.header,
    authPrefix: row.prefix,
    asksUsage: false,
    headers: [],
  };
  const endpoints = new Map<DialectName, LiveEndpoint>(
    Object.values(DIALECTS).map((dialect) => [dialect.name, { dialect, snapshot, upstream }]),
  );
  return { snapshot: providerSnapshot(row), endpoints };
}

function providerSnapshot({ provider, prices }: RealKeyRow): ProviderSnapshot {
  return {
    id: provider,
    transport: 'http',
    endpoints: {},
    credentials: [],
    prices: Object.fromEntries(Object.entries(prices).map(([model, price]) => [model, priceOf(price)])),
    traits: {},
    models: [],
  };
}
