/**
 * Whether a child asks for more than its parent may do. It would not get it, because every level
 * has to allow a call; but whoever minted it is mistaken, and is told so. Says only what is certain:
 * null does not mean that the child is narrower. Runs in any JavaScript runtime.
 */
import type { Cidr } from './cidr.ts';
import { parseCidr } from './cidr.ts';
import type { Budget, Limits, Scopes } from './constraints.ts';
import type { Constraints } from './delegation-claims.ts';
import type { EndpointPattern } from './endpoint-pattern.ts';
import { matchEndpoint, parseEndpointPattern } from './endpoint-pattern.ts';
import { matchesModel, modelPatternsOf } from './model-pattern.ts';

/** The first constraint of the child that is certainly wider than its parent's, or null. */
export function widens(child: Constraints, parent: Constraints): string | null {
  for (const name of Object.keys(LISTS) as (keyof Scopes)[]) {
    if (isListWider(name, child.scopes, parent.scopes)) return name;
  }
  for (const name of COUNTS) {
    const [own, allowed] = [child.limits[name], parent.limits[name]];
    if (own !== null && allowed !== null && own > allowed) return name;
  }
  return isBudgetWider(child.limits.budgets, parent.limits.budgets) ? 'budgets' : null;
}

const COUNTS: readonly Exclude<keyof Limits, 'budgets'>[] = [
  'requestsPerSecond',
  'requestsPerMinute',
  'requestsPerHour',
  'requestsPerDay',
  'tokensPerMinute',
  'tokensPerDay',
  'concurrency',
  'uses',
  'costPerCallMax',
  'tokensPerCallMax',
  'requestBytesMax',
  'responseBytesMax',
];

type IsOutside = (entry: string, allowed: readonly string[]) => boolean;

/** Per list: whether an entry of the child reaches something that no entry of the parent does. Null: not compared. */
const LISTS: Readonly<Record<keyof Scopes, IsOutside | null>> = {
  services: isNotListed,
  endpoints: isEndpointOutside,
  models: isModelOutside,
  operations: isNotListed,
  tools: isNotListed,
  addresses: isBlockOutside,
  countries: isNotListed,
  timeWindows: null,
};

/** What the child leaves out it inherits; what the parent leaves out narrows nothing. */
function isListWider(name: keyof Scopes, child: Scopes, parent: Scopes): boolean {
  const [own, allowed] = [child[name], parent[name]];
  if (own === null || allowed === null || own.length === 0) return false;
  if (allowed.length === 0) return true;
  const isOutside = LISTS[name];
  if (isOutside === null) return false;
  const allowedTexts = allowed.filter((entry) => typeof entry === 'string');
  return own.some((entry) => typeof entry === 'string' && isOutside(entry, allowedTexts));
}

function isNotListed(entry: string, allowed: readonly string[]): boolean {
  return !allowed.includes(entry);
}

/** One name that a pattern certainly matches: if the parent does not reach even that, the pattern is wider. */
function exampleOf(pattern: string): string {
  return pattern.replaceAll('*', '~');
}

function isModelOutside(entry: string, allowed: readonly string[]): boolean {
  return !matchesModel(modelPatternsOf(allowed), exampleOf(entry));
}

function isEndpointOutside(entry: string, allowed: readonly string[]): boolean {
  const [method = '', path = ''] = entry.split(' ');
  const patterns: EndpointPattern[] = [];
  for (const text of allowed) {
    const parsed = parseEndpointPattern(text);
    if (parsed.ok) patterns.push(parsed.pattern);
  }
  return matchEndpoint(patterns, exampleOf(method), exampleOf(path)) !== 'matches';
}

/** The first and the last address of the child's block have to be in some block of the parent. */
function isBlockOutside(entry: string, allowed: readonly string[]): boolean {
  const block = parseCidr(entry);
  if (!block.ok) return false;
  const blocks: Cidr[] = [];
  for (const text of allowed) {
    const parsed = parseCidr(text);
    if (parsed.ok) blocks.push(parsed.cidr);
  }
  const { isV4, words, prefixBits } = block.cidr;
  const last = words.map((word, i) => (word | ~maskOf(prefixBits, i)) >>> 0);
  return [words, last].some((address) => !blocks.some((one) => one.isV4 === isV4 && isInBlock(address, one)));
}

function isInBlock(address: readonly number[], block: Cidr): boolean {
  return block.words.every((word, i) => (((address[i] ?? 0) ^ word) & maskOf(block.prefixBits, i)) === 0);
}

/** The bits of one of the four words that belong to the prefix. */
function maskOf(prefixBits: number, i: number): number {
  const bits = Math.min(32, Math.max(0, prefixBits - i * 32));
  return bits === 0 ? 0 : -1 << (32 - bits);
}

/** Budgets of the same kind and period are compared by the smallest, which is the one that counts. */
function isBudgetWider(own: readonly Budget[] | null, allowed: readonly Budget[] | null): boolean {
  return (own ?? []).some((budget) => {
    const like = (other: Budget): boolean =>
      other.period === budget.period &&
      other.window === budget.window &&
      other.timeZone === budget.timeZone &&
      other.kind === budget.kind;
    const same = (allowed ?? []).filter(like);
    if (same.length === 0) return false;
    const ownMin = Math.min(...(own ?? []).filter(like).map((one) => one.nanoUsd));
    return ownMin > Math.min(...same.map((one) => one.nanoUsd));
  });
}
