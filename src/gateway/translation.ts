/**
 * The door to translation between dialects. All its codecs are a third of what a worker would read at
 * its start, and many gateways never need them: they are read in when the first call does, or soon
 * after the start, so that no caller waits for it.
 */
type Translating = typeof import('./prepare-translated.ts');

let loaded: Translating | null = null;
let loading: Promise<Translating> | null = null;

/** Reads the codecs in; the same promise for all who ask. */
export function loadTranslation(): Promise<Translating> {
  loading ??= import('./prepare-translated.ts').then((module) => {
    loaded = module;
    return module;
  });
  return loading;
}

/** For who has waited for `loadTranslation` before. */
export function translation(): Translating {
  if (loaded === null) throw new Error('translation was not loaded');
  return loaded;
}
