/** Who made a model, by its id (`us.anthropic.claude-…`); null where the id, that of a profile for example, does not say. */
export function modelVendor(modelId: string): string | null {
  return VENDOR.exec(modelId)?.[1] ?? null;
}

const VENDOR =
  /(?:^|[./])(ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.(?=[\w-])/;

/** Claude, or nobody knows: what Claude takes is the best guess, most models of profiles are. */
export function mayBeClaude(vendor: string | null): boolean {
  return vendor === null || vendor === 'anthropic';
}
