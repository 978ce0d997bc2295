import type { ChatRequest } from '../canonical.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';

/** The `outputConfig` for a model that keeps to schemas; the schema is JSON text there (API_runtime_OutputFormat). */
export function outputConfig({ format }: ChatRequest, { structuredOutput }: ModelTraits): JsonRecord | null {
  if (format?.kind !== 'json_schema' || structuredOutput !== true) return null;
  const { name, description, schema } = format;
  const jsonSchema = {
    schema: JSON.stringify(schema),
    name,
    ...(description === null ? {} : { description }),
  };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}
