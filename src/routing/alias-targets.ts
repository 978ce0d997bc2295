import { compileWildcard, matchWildcard } from './wildcard.ts';

/** How deep aliases may name each other, and how many targets they may come to. */
export const ALIAS_DEPTH_MAX = 4;
export const ALIAS_TARGETS_MAX = 100;

export interface AliasMatch {
  readonly alias: string;
  /** What the star of the alias stands for in the name; the empty text without one. */
  readonly star: string;
}

/**
 * The alias that a name is meant for: the one of that very name, else the pattern that says most of
 * it (the longest outside of its star), so that `fast-eu-*` stands before `fast-*`.
 */
export function findAlias(aliases: Iterable<string>, name: string): AliasMatch | null {
  let found: AliasMatch | null = null;
  for (const alias of aliases) {
    if (alias === name) return { alias, star: '' };
    if (!alias.includes('*') || alias.length <= (found?.alias.length ?? 0)) continue;
    const star = matchWildcard(compileWildcard(alias), name);
    if (star !== null) found = { alias, star };
  }
  return found;
}

/** A target's name with its star filled in by what the alias's star stands for. */
export function fillStar(target: string, star: string): string {
  return target.replace('*', () => star);
}

export type Flattened<T> =
  | { readonly ok: true; readonly targets: readonly T[] }
  | { readonly ok: false; readonly reason: string };

interface Named {
  readonly model: string;
  readonly weight: number;
}

/**
 * Puts the targets of nested aliases in the place of their names, with their share of the weight. A
 * name without a slash is an alias's. Loops, and what grows beyond its bounds, are refused.
 */
export function flattenAlias<T extends Named>(aliases: ReadonlyMap<string, readonly T[]>, id: string): Flattened<T> {
  const targets: T[] = [];
  const visit = (name: string, share: number, path: readonly string[]): string | null => {
    if (path.includes(name)) return `names itself: ${[...path, name].join(' → ')}`;
    if (path.length >= ALIAS_DEPTH_MAX) return `names aliases more than ${ALIAS_DEPTH_MAX} deep`;
    const listed = aliases.get(name);
    if (listed === undefined) return `names ${name}, which is neither provider/name nor an alias`;
    const sum = listed.reduce((total, { weight }) => total + weight, 0);
    for (const target of listed) {
      const weight = path.length === 0 ? target.weight : (share * target.weight) / sum;
      if (target.model.includes('/')) targets.push({ ...target, weight });
      else {
        const reason = visit(target.model, weight, [...path, name]);
        if (reason !== null) return reason;
      }
      if (targets.length > ALIAS_TARGETS_MAX) return `comes to more than ${ALIAS_TARGETS_MAX} targets`;
    }
    return null;
  };
  const reason = visit(id, 1, []);
  return reason === null ? { ok: true, targets } : { ok: false, reason };
}
