import { keptSchema } from '../anthropic/kept-schema.ts';
import type { ChatRequest } from '../canonical.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** The `outputConfig` for a model that keeps to schemas; the schema is JSON text there (API_runtime_OutputFormat). */
export function outputConfig(
  { format, extraOf }: ChatRequest,
  { structuredOutput }: ModelTraits,
  report: Report,
): JsonRecord | null {
  if (format?.kind !== 'json_schema' || structuredOutput !== true) return null;
  const { name, description } = format;
  // Bedrock takes the keywords that Claude takes, of all models.
  const { schema, told } = extraOf === 'anthropic' ? { schema: format.schema, told: [] } : keptSchema(format.schema);
  if ([...told].length > 0)
    report.approximated(
      'response_format.json_schema.schema',
      `the model is told, not held to, ${[...told].join(', ')}`,
    );
  const jsonSchema = {
    schema: JSON.stringify(schema),
    name,
    ...(description === null ? {} : { description }),
  };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}
