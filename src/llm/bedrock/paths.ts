/** The path of Converse or ConverseStream for a model's id, an inference profile's or an ARN. */
export function conversePath(modelId: string, stream: boolean): string {
  return `/model/${segment(modelId)}/${stream ? 'converse-stream' : 'converse'}`;
}

/** The path of InvokeModel. */
export function invokePath(modelId: string): string {
  return `/model/${segment(modelId)}/invoke`;
}

/** The path of CountTokens. */
export function countTokensPath(modelId: string): string {
  return `/model/${segment(modelId)}/count-tokens`;
}

/** AWS wants all but the unreserved characters of RFC 3986 encoded: also `:` and `/` of ARNs. */
function segment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
