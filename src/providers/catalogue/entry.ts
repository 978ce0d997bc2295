import type { ModelTraits } from '../../llm/model-traits.ts';
import type { StatedPrice } from '../../llm/stated-price.ts';

/** What a model is for. */
export type ModelKind = 'chat' | 'embedding' | 'image' | 'speech' | 'transcription' | 'video' | 'rerank' | 'moderation';

/** What a catalogue says of one model; what is left out is not known. */
export interface CatalogueModel extends Partial<Known<ModelTraits>> {
  readonly kind?: ModelKind | undefined;
  readonly price?: StatedPrice | undefined;
  /** False: it has a price, but is not shown in lists (an older model, another spelling); true if left out. */
  readonly listed?: boolean | undefined;
}

type Known<T> = { readonly [Key in keyof T]: NonNullable<T[Key]> | undefined };

export type CatalogueModels = Readonly<Record<string, CatalogueModel>>;

/** Of what the product ships: when it was made, and for which providers there is a file. */
export interface CatalogueMade {
  /** A day, as 2026-11-27. */
  readonly date: string;
  readonly providers: readonly string[];
}
