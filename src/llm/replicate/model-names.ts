/**
 * Models are named `owner/name` where Replicate keeps them, and `owner/name:version` where somebody
 * else has pushed them (https://replicate.com/docs/reference/http).
 */

const NAME = /^(?<model>[a-z0-9][\w.-]*(?:\/[a-z0-9][\w.-]*)?)(?::(?<version>\w+))?$/i;

/** Where a prediction of the model is made, below the base URL; null: it is no name of a model. */
export function predictionsPath(name: string): string | null {
  const { model, version } = NAME.exec(name)?.groups ?? {};
  if (model === undefined) return null;
  return version === undefined ? `/models/${model}/predictions` : '/predictions';
}

/** What the body says of the model: the version, which the path does not. */
export function versionMember(name: string): { readonly version?: string } {
  const version = NAME.exec(name)?.groups?.['version'];
  return version === undefined ? {} : { version };
}
