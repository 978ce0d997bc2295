/** Puts together what the packages say of a provider's models. */
import type { StatedPrice, StatedTerms } from '../../src/llm/stated-price.ts';
import type { CatalogueModel, CatalogueModels, ModelKind } from '../../src/providers/catalogue/entry.ts';
import type { ModelLists } from './model-lists.ts';
import type { KnownPrice, PriceHistory } from './price-history.ts';
import type { Vendor } from './vendors.ts';

export interface Sources {
  readonly prices: PriceHistory;
  readonly models: ModelLists;
  readonly abilities: ModelLists;
}

/** All that is known of a provider's models, by name in order. */
export function modelsOf(vendor: Vendor, { prices, models, abilities }: Sources): CatalogueModels {
  const now = list(models, vendor.models);
  const more = list(abilities, vendor.abilities);
  const priced = vendor.prices === undefined ? [] : prices.all(vendor.prices);
  const names = priced.flatMap(({ id, names: others }) => [id, ...others]);
  const ids = new Set([...now.keys(), ...more.keys(), ...names].filter(isName));
  const entries = [...ids]
    .filter((id) => vendor.only === undefined || vendor.only.test(id))
    .sort()
    .map((id) => {
      const current = now.get(id);
      const known = vendor.prices === undefined ? null : prices.find(vendor.prices, id);
      const merged = merge(id, [more.get(id), current], known);
      const price = priceOf(id, vendor, [current?.price, more.get(id)?.price], known?.price ?? null);
      const isInUse = now.size > 0 ? current !== undefined : more.size > 0 ? more.has(id) : known?.id === id;
      const isOld = known?.deprecated === true;
      const listed = !isOld && (isInUse || (isSpecial(merged) && (more.has(id) || known?.id === id)));
      const structuredOutput = vendor.withoutSchema?.test(id) === true ? false : undefined;
      const responsesOnly = vendor.responsesOnly?.test(id) === true ? true : undefined;
      return [
        id,
        compact({ ...merged, structuredOutput, responsesOnly, price, listed: listed ? undefined : false }),
      ] as const;
    });
  const all = { ...Object.fromEntries(entries), ...soldBySound(vendor) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Prices of sound that vendors state on their pages alone. */
function soldBySound({ speech = {}, transcripts = {} }: Vendor): CatalogueModels {
  const of = (kind: ModelKind, rate: 'perMillionCharacters' | 'perAudioHour', usd: Readonly<Record<string, number>>) =>
    Object.entries(usd).map(([id, price]) => [id, { kind, price: { input: 0, output: 0, [rate]: price } }] as const);
  return Object.fromEntries([
    ...of('speech', 'perMillionCharacters', speech),
    ...of('transcription', 'perAudioHour', transcripts),
  ]);
}

/** The lists of models in use hold few that are not for chat. */
function isSpecial({ kind }: CatalogueModel): boolean {
  return kind !== undefined && kind !== 'chat';
}

function list(lists: ModelLists, vendor: string | undefined): ReadonlyMap<string, CatalogueModel> {
  return (vendor === undefined ? undefined : lists.get(vendor)) ?? new Map<string, CatalogueModel>();
}

/** Some entries stand for a group of models rather than for one that can be called. */
function isName(id: string): boolean {
  return !id.startsWith('regional.') && /^[\w@~][\w.:/@+~-]*$/.test(id) && id.length <= 200;
}

function merge(
  id: string,
  [more, current]: readonly (CatalogueModel | undefined)[],
  known: KnownPrice | null,
): CatalogueModel {
  const merged: CatalogueModel = { ...compact(more ?? {}), ...compact(current ?? {}) };
  return {
    ...merged,
    kind: merged.kind ?? kindOf(known),
    contextTokens: contextOf(merged.contextTokens, known?.id === id ? known.contextTokens : null) ?? undefined,
  };
}

/** The lists are the more exact ones, but one of them holds models below the size from which on they cost more. */
function contextOf(listed: number | undefined, known: number | null): number | undefined {
  if (listed === undefined || known === null) return listed ?? known ?? undefined;
  return Math.abs(listed - known) < known / 10 ? listed : known;
}

function kindOf(known: KnownPrice | null): CatalogueModel['kind'] {
  const id = known?.id ?? '';
  if (/rerank/i.test(id)) return 'rerank';
  if (/embed|voyage|bge-/i.test(id)) return 'embedding';
  if (/moderation|guard/i.test(id)) return 'moderation';
  if (/transcribe|whisper/i.test(id)) return 'transcription';
  if (/tts/i.test(id)) return 'speech';
  if (known?.price?.perAudioHour !== undefined) return 'transcription';
  return known?.price?.output === 0 ? undefined : 'chat';
}

/**
 * The fuller statement where it agrees with what the lists of models in use say now, and these
 * where it does not: they are the newer ones.
 */
function priceOf(
  id: string,
  { batch, audioSecondsMin }: Vendor,
  newer: readonly (StatedPrice | undefined)[],
  fuller: StatedPrice | null,
): StatedPrice | undefined {
  const latest = newer.find((price) => price !== undefined);
  const chosen = fuller !== null && (latest === undefined || agrees(fuller, latest)) ? fuller : latest;
  if (chosen === undefined) return undefined;
  const stated = withHourlyWrites(id, chosen);
  const least = stated.perAudioHour === undefined || audioSecondsMin === undefined ? {} : { audioSecondsMin };
  const inBatches = batch === undefined ? {} : { batch };
  return rounded({
    ...stated,
    ...least,
    ...inBatches,
    ...(stated.changes && { changes: stated.changes.map((change) => ({ ...change, ...inBatches })) }),
  });
}

function agrees(fuller: StatedPrice, latest: StatedPrice): boolean {
  const terms: readonly StatedTerms[] = [fuller, ...(fuller.changes ?? [])];
  return terms.some(({ input, output }) => near(input, latest.input) && near(output, latest.output));
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6;
}

/** Anthropic: writes for an hour cost twice the input: https://docs.claude.com/en/docs/build-with-claude/prompt-caching */
function withHourlyWrites(id: string, price: StatedPrice): StatedPrice {
  const sells = /claude/.test(id) && price.cacheWrite !== undefined && price.cacheWrite1h === undefined;
  if (!sells) return price;
  const tiers = price.tiers?.map((tier) => ({
    ...tier,
    ...(tier.input !== undefined && { cacheWrite1h: tier.input * 2 }),
  }));
  return { ...price, cacheWrite1h: price.input * 2, ...(tiers && { tiers }) };
}

/** Some packages keep prices per token: what comes back from that has digits nobody stated. */
function rounded<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'number' ? Math.round(inner * 1e9) / 1e9 : inner)),
  ) as T;
}

function compact(model: CatalogueModel): CatalogueModel {
  return Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));
}
