/** What a translation could not carry over as it was. */
export interface Warning {
  readonly kind: 'dropped' | 'approximated';
  /** The caller's field, for example `seed` or `messages[0].content[1]`. */
  readonly field: string;
  /** Why, in a few public words. */
  readonly reason: string;
}

const WARNINGS_MAX = 32;
const FIELD_LENGTH_MAX = 80;

/** Gathers what one translation drops or approximates; bounded, and each field once a kind. */
export class Report {
  readonly #warnings: Warning[] = [];

  get warnings(): readonly Warning[] {
    return this.#warnings;
  }

  /** The field does not reach the provider (or the caller). */
  dropped(field: string, reason: string): void {
    this.#add({ kind: 'dropped', field, reason });
  }

  /** The field reaches it as something that is near but not the same. */
  approximated(field: string, reason: string): void {
    this.#add({ kind: 'approximated', field, reason });
  }

  #add(warning: Warning): void {
    if (this.#warnings.length >= WARNINGS_MAX) return;
    const field = warning.field.slice(0, FIELD_LENGTH_MAX);
    if (this.#warnings.some((other) => other.kind === warning.kind && other.field === field)) return;
    this.#warnings.push({ ...warning, field });
  }
}
