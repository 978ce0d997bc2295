/** The format of another dialect's caller as OpenAI takes it. */
import type { ChatRequest, OutputFormat, Turn } from '../canonical.ts';
import { formatInstruction, speaksOfJson } from '../format-instruction.ts';
import { isObjectSchema } from '../json-tool.ts';
import { fitName, isStrictSchema } from '../openai/strict-schema.ts';
import type { Report } from '../report.ts';

export interface FittedFormat {
  /** For `text.format`. */
  readonly format: OutputFormat | null;
  /** What must be said besides, or null. */
  readonly instruction: string | null;
}

/** `input` are the turns that do not go as `instructions`, which OpenAI does not look at for the word JSON. */
export function fitFormat({ format, extraOf }: ChatRequest, input: readonly Turn[], report: Report): FittedFormat {
  if (format === null || format.kind === 'text' || extraOf === 'openai-responses') return { format, instruction: null };
  if (format.kind === 'json' && speaksOfJson(input)) return { format, instruction: null };
  if (format.kind === 'json') {
    report.approximated('response_format', 'the format is asked for in the instructions, too');
    return { format, instruction: formatInstruction(format) };
  }
  if (!isObjectSchema(format.schema) && extraOf !== 'openai') {
    report.approximated('response_format', 'OpenAI takes schemas of objects only: this one stands in the instructions');
    return { format: null, instruction: formatInstruction(format) };
  }
  const name = fitName(format.name);
  if (format.strict !== true || extraOf === 'openai' || isStrictSchema(format.schema))
    return { format: { ...format, name }, instruction: null };
  report.approximated(
    'response_format.json_schema.strict',
    'the schema has optional or open members, which a strict one cannot have',
  );
  return { format: { ...format, name, strict: false }, instruction: null };
}
