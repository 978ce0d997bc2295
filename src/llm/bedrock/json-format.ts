import type { ChatRequest, OutputFormat } from '../canonical.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';

/** The tool whose input is the wanted answer. */
export const JSON_TOOL = 'keyward_json';

type SchemaFormat = Extract<OutputFormat, { readonly kind: 'json_schema' }>;

/** The schema that the model must be forced to by a tool: it has no way of its own, as far as is known. */
export function jsonToolFormat({ format }: ChatRequest, { structuredOutput }: ModelTraits): SchemaFormat | null {
  if (format?.kind !== 'json_schema' || structuredOutput === true) return null;
  return isOfObject(format.schema) ? format : null;
}

/** A tool's input can be nothing else. */
function isOfObject(schema: JsonRecord): boolean {
  return schema['type'] === 'object' || (schema['type'] === undefined && Object.hasOwn(schema, 'properties'));
}

/** The `outputConfig` for a model that keeps to schemas; the schema is JSON text there (API_runtime_OutputFormat). */
export function outputConfig(request: ChatRequest, traits: ModelTraits): JsonRecord | null {
  const { format } = request;
  if (format?.kind !== 'json_schema' || traits.structuredOutput !== true) return null;
  const { name, description, schema } = format;
  const jsonSchema = {
    schema: JSON.stringify(schema),
    name,
    ...(description === null ? {} : { description }),
  };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}
