import { anthropicProvider } from './anthropic.ts';
import { deepseek } from './deepseek.ts';
import { geminiProvider } from './gemini.ts';
import { groq } from './groq.ts';
import type { InProcessHandler } from './in-process.ts';
import { mistral } from './mistral.ts';
import { openaiProvider } from './openai.ts';
import { openrouter } from './openrouter.ts';
import type { Provider } from './provider.ts';
import { handleSandbox } from './sandbox/handler.ts';
import { sandbox } from './sandbox.ts';
import { xai } from './xai.ts';

/** Every provider known by name. */
export const PROVIDERS: readonly Provider[] = [
  sandbox,
  openaiProvider,
  anthropicProvider,
  geminiProvider,
  mistral,
  groq,
  deepseek,
  openrouter,
  xai,
];

/** The handlers of the providers whose transport is `in-process`, by provider id. */
export const IN_PROCESS_HANDLERS: Readonly<Record<string, InProcessHandler>> = { [sandbox.id]: handleSandbox };

/** The provider of this id, if it is known. */
export function providerById(id: string): Provider | undefined {
  return PROVIDERS.find((provider) => provider.id === id);
}
