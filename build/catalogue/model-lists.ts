/** Reads models out of @earendil-works/pi-ai and @oh-my-pi/pi-catalog, which are of one family. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { StatedPrice } from '../../src/llm/stated-price.ts';
import type { CatalogueModel, ModelKind } from '../../src/providers/catalogue/entry.ts';

interface Cost {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

interface SourceModel {
  readonly id: string;
  readonly type?: string;
  readonly kind?: string;
  readonly input: readonly string[];
  readonly reasoning?: boolean;
  readonly contextWindow?: number | null;
  readonly maxTokens?: number | null;
  readonly supportsTools?: boolean;
  readonly thinking?: { readonly mode?: string };
  readonly compat?: Readonly<Record<string, unknown>>;
  readonly cost: Cost & {
    readonly tiers?: readonly (Cost & { readonly inputTokensAbove: number })[];
    readonly longContext?: Cost & { readonly inputThreshold: number };
  };
}

/** Models by the package's name of the vendor and the vendor's name of the model. */
export type ModelLists = ReadonlyMap<string, ReadonlyMap<string, CatalogueModel>>;

/** One file a vendor, each with models by the API they are called through. All of them take tools: its README. */
export function readModels(folder: string): ModelLists {
  const data = join(folder, 'dist', 'providers', 'data');
  const files = readdirSync(data).filter((name) => /^[a-z].*\.json$/.test(name));
  return new Map(
    files.map((name) => {
      const apis = readJson(join(data, name)) as Readonly<Record<string, Readonly<Record<string, SourceModel>>>>;
      const models = Object.values(apis).flatMap((byId) => Object.values(byId));
      return [basename(name, '.json'), listOf(models, true)];
    }),
  );
}

export function readAbilities(folder: string): ModelLists {
  const vendors = readJson(join(folder, 'src', 'models.json')) as Readonly<
    Record<string, Readonly<Record<string, SourceModel>>>
  >;
  return new Map(Object.entries(vendors).map(([vendor, models]) => [vendor, listOf(Object.values(models), null)]));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function listOf(models: readonly SourceModel[], tools: boolean | null): ReadonlyMap<string, CatalogueModel> {
  const known = models.flatMap((model) => {
    const kind = KINDS[model.kind ?? model.type ?? 'chat'];
    return kind === undefined ? [] : [[model.id, entryOf(model, kind, tools)] as const];
  });
  return new Map(known);
}

const KINDS: Readonly<Record<string, ModelKind | undefined>> = {
  chat: 'chat',
  embedding: 'embedding',
  image: 'image',
  video: 'video',
  stt: 'transcription',
  tts: 'speech',
  rerank: 'rerank',
};

function entryOf(model: SourceModel, kind: ModelKind, tools: boolean | null): CatalogueModel {
  const price = priceOf(model);
  const positive = (count: number | null | undefined) => (count === 0 ? undefined : (count ?? undefined));
  const shared: CatalogueModel = {
    kind,
    contextTokens: positive(model.contextWindow),
    outputTokensMax: positive(model.maxTokens),
    ...(price !== null && { price }),
  };
  if (kind !== 'chat') return shared;
  return {
    ...shared,
    images: model.input.includes('image'),
    tools: model.supportsTools ?? tools ?? undefined,
    reasoning: model.reasoning,
    reasoningStyle: model.reasoning === true ? styleOf(model) : undefined,
    sampling: samplingOf(model),
  };
}

const STYLES: Readonly<Record<string, 'effort' | 'budget' | 'adaptive' | undefined>> = {
  effort: 'effort',
  'google-level': 'effort',
  budget: 'budget',
  'anthropic-budget-effort': 'budget',
  'anthropic-adaptive': 'adaptive',
};

function styleOf({ thinking, compat }: SourceModel): 'effort' | 'budget' | 'adaptive' | undefined {
  return compat?.['forceAdaptiveThinking'] === true ? 'adaptive' : STYLES[thinking?.mode ?? ''];
}

function samplingOf({ compat }: SourceModel): boolean | undefined {
  if (compat?.['supportsTemperature'] === false) return false;
  const told = compat?.['supportsSamplingParams'];
  return typeof told === 'boolean' ? told : undefined;
}

/** Nothing at all for a price means that nobody knew it, unless the model says that it is free. */
function priceOf({ id, cost }: SourceModel): StatedPrice | null {
  // Below nothing: it depends on the model that is chosen for the call.
  if (cost.input < 0 || cost.output < 0) return null;
  if (cost.input === 0 && cost.output === 0) return id.endsWith(':free') ? { input: 0, output: 0 } : null;
  const long = cost.longContext;
  const tiers = [
    ...(cost.tiers ?? []).map((tier) => ({ above: tier.inputTokensAbove, ...ratesOf(tier) })),
    ...(long === undefined ? [] : [{ above: long.inputThreshold, ...ratesOf(long) }]),
  ];
  return { ...ratesOf(cost), ...(tiers.length > 0 && { tiers }) };
}

/** Caches at no price are caches that the vendor does not sell. */
function ratesOf({ input, output, cacheRead, cacheWrite }: Cost) {
  return {
    input,
    output,
    ...(cacheRead > 0 && { cachedInput: cacheRead }),
    ...(cacheWrite > 0 && { cacheWrite }),
  };
}
