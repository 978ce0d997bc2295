import { mayCallModel } from './checks/index.ts';
import type { DecisionInput } from './decision-input.ts';

/** A model that a name may lead to. */
export interface NamedModel {
  /** `provider/name`. */
  readonly name: string;
  /** Unix milliseconds when the catalogue first had it; null: not known. */
  readonly sinceMs: number | null;
}

/**
 * What a call is decided on whose name leads to several models: the first of them that the key may
 * call. The input itself where its own model is allowed, or none is.
 */
export function ledInput(input: DecisionInput, models: readonly NamedModel[]): DecisionInput {
  if (models.length < 2 || mayCallModel(input)) return input;
  for (const model of models) {
    const led = inputFor(input, model);
    if (mayCallModel(led)) return led;
  }
  return input;
}

/** The same call, led to another model. */
export function inputFor(input: DecisionInput, { name, sinceMs }: NamedModel): DecisionInput {
  return { ...input, facts: { ...input.facts, model: name, modelSinceMs: sinceMs } };
}
