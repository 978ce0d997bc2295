/** The form of a catalogue: what an operator's own file or URL holds. */
import { z } from 'zod';
import type { CatalogueModels } from '../providers/catalogue/entry.ts';
import { statedPrice } from './price-schema.ts';

const MODELS_MAX = 20_000;

const tokens = z.int().min(1).max(1_000_000_000);

const catalogueModel = z.strictObject({
  kind: z.enum(['chat', 'embedding', 'image', 'speech', 'transcription', 'video', 'rerank', 'moderation']).optional(),
  contextTokens: tokens.optional(),
  outputTokensMax: tokens.optional(),
  images: z.boolean().optional(),
  files: z.boolean().optional(),
  audio: z.boolean().optional(),
  tools: z.boolean().optional(),
  structuredOutput: z.boolean().optional(),
  reasoning: z.boolean().optional(),
  reasoningStyle: z.enum(['effort', 'budget', 'adaptive']).optional(),
  sampling: z.boolean().optional(),
  responsesOnly: z.boolean().optional(),
  price: statedPrice.optional(),
  listed: z.boolean().optional(),
});

/** Of a provider. */
export const catalogueModels: z.ZodType<CatalogueModels> = z
  .record(z.string().min(1).max(256), catalogueModel)
  .refine((models) => Object.keys(models).length <= MODELS_MAX, `must not hold more than ${MODELS_MAX} models`);

/** Of all providers, by id. */
export const catalogueSchema = z.strictObject({
  source: z.string().max(2048).optional(),
  date: z.string().max(100).optional(),
  providers: z.record(z.string().min(1).max(64), catalogueModels),
});
