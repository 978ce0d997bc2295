/** What a model's name tells where nothing else is known of it. */

/** Gemini 1 and 2 think by a budget, and take neither signatures as required nor media in results. */
export function isBeforeGemini3(model: string): boolean {
  return /(^|\/)gemini-[12](\D|$)/.test(model);
}

/** Gemini 3 and later, aliases such as `gemini-flash-latest` included. */
export function isGemini3(model: string): boolean {
  return /(^|\/)gemini-/.test(model) && !isBeforeGemini3(model);
}
