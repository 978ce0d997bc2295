/**
 * The door to translation between dialects. All its codecs are a third of what a worker would read at
 * its start, and many gateways never need them: they are read in when the first call does, or soon
 * after the start, so that no caller waits for it.
 */
import type { StreamReader } from '../llm/codec.ts';
import type { OutputEstimate } from '../llm/output-estimate.ts';
import type { Call } from './call.ts';
import type { TranslatedRequest } from './prepare-translated.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute } from './routes.ts';
import type { Target } from './targets.ts';

/** What prepare-translated.ts does. */
interface Translating {
  readForTranslation(call: Call, route: ModelRoute, target: Target): Promise<Refusal | null>;
  refuseUnfit(call: Call, route: ModelRoute, target: Target): Refusal | null;
  translateRequest(call: Call, route: ModelRoute, target: Target): TranslatedRequest | Refusal;
  readOutput(target: Target, estimate: OutputEstimate): StreamReader;
  estimatedOutputTokens(target: Target, body: Buffer): number;
  mustEstimateTokens(route: ModelRoute, target: Target): boolean;
  estimatedTokenCount(call: Call, route: ModelRoute, target: Target): string | Refusal | null;
}

let loaded: Translating | null = null;
let loading: Promise<Translating> | null = null;

/** Reads the codecs in; the same promise for all who ask. */
export function loadTranslation(): Promise<Translating> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Translating> {
  loaded = await import('./prepare-translated.ts');
  return loaded;
}

/** Whether nobody has to wait for it any more. */
export function isTranslationLoaded(): boolean {
  return loaded !== null;
}

/** For who has waited for `loadTranslation` before. */
export function translation(): Translating {
  if (loaded === null) throw new Error('translation was not loaded');
  return loaded;
}
