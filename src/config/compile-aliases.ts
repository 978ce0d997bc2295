import { flattenAlias } from '../routing/alias-targets.ts';
import type { AliasConfig } from './alias-schema.ts';
import type { AliasSnapshot, ProviderSnapshot, TargetSnapshot } from './snapshot.ts';

/** What is said of an alias, in the file or in storage. */
export interface SaidOfAlias extends Omit<AliasConfig, 'targets'> {
  readonly targets: readonly AliasConfig['targets'][number][];
}

/** An alias as storage knows it. */
export interface AliasInput extends SaidOfAlias {
  readonly id: string;
}

export interface AliasSources {
  readonly declared: Readonly<Record<string, AliasConfig>>;
  /** Those of a name that the file declares too are hidden by it. */
  readonly stored: readonly AliasInput[];
  readonly providers: Readonly<Record<string, ProviderSnapshot>>;
}

/** What holds where an alias says nothing; without an alias, too. */
export const ROUTE_DEFAULTS: Omit<AliasSnapshot, 'targets'> = {
  strategy: 'priority',
  fallback: ['unavailable', 'rate_limited'],
  retries: null,
  attemptsMax: 5,
  hedgeAfterMs: null,
  affinity: 'session',
  timeouts: { firstByteMs: null, idleMs: null, totalMs: null },
};

/** Every alias with its targets laid out; what cannot be is left out with a sentence. */
export function compileAliases(
  { declared, stored, providers }: AliasSources,
  warn: (sentence: string) => void,
): Readonly<Record<string, AliasSnapshot>> {
  const inFile = Object.entries(declared);
  const all = new Map<string, AliasSnapshot>([
    ...stored.map((row) => [row.id, aliasOf(row)] as const),
    ...inFile.map(([id, config]) => [id, aliasOf(config)] as const),
  ]);
  const listed = new Map([...all].map(([id, { targets }]) => [id, targets]));
  const order = [...inFile.map(([id]) => id), ...[...all.keys()].filter((id) => !Object.hasOwn(declared, id))];
  const compiled: (readonly [string, AliasSnapshot])[] = [];
  for (const id of order) {
    const flat = flattenAlias(listed, id);
    const alias = all.get(id);
    if (!flat.ok) warn(`The alias ${id} is left out: it ${flat.reason}.`);
    else if (alias !== undefined) compiled.push([id, { ...alias, targets: flat.targets }]);
  }
  for (const [id, { targets }] of compiled) warnOfMissing(id, targets, providers, warn);
  return Object.fromEntries(compiled);
}

/** What it says, and what holds where it says nothing; nested aliases as they are named. */
export function aliasOf({ targets, hedge, timeouts, ...given }: SaidOfAlias): AliasSnapshot {
  return {
    strategy: given.strategy ?? ROUTE_DEFAULTS.strategy,
    targets: targets.map(targetOf),
    fallback: given.fallback ?? ROUTE_DEFAULTS.fallback,
    retries: given.retries ?? null,
    attemptsMax: given.attemptsMax ?? ROUTE_DEFAULTS.attemptsMax,
    hedgeAfterMs: hedge?.afterMs ?? null,
    affinity: given.affinity ?? ROUTE_DEFAULTS.affinity,
    timeouts: {
      firstByteMs: timeouts?.firstByteMs ?? null,
      idleMs: timeouts?.idleMs ?? null,
      totalMs: timeouts?.totalMs ?? null,
    },
  };
}

function targetOf(target: AliasConfig['targets'][number]): TargetSnapshot {
  if (typeof target === 'string') return { model: target, weight: 1, priority: 1, when: null };
  const { model, weight, priority, when } = target;
  return { model, weight: weight ?? 1, priority: priority ?? 1, when: when === undefined ? null : present(when) };
}

/** Without the members that are there and say nothing. */
function present(when: object): NonNullable<TargetSnapshot['when']> {
  return Object.fromEntries(Object.entries(when).filter(([, value]) => value !== undefined));
}

function warnOfMissing(
  id: string,
  targets: readonly TargetSnapshot[],
  providers: Readonly<Record<string, ProviderSnapshot>>,
  warn: (sentence: string) => void,
): void {
  for (const { model } of targets) {
    const provider = model.slice(0, model.indexOf('/'));
    if (provider.includes('*') || Object.hasOwn(providers, provider)) continue;
    warn(`The alias ${id} names ${model}, but no provider of that name is switched on.`);
  }
}
