/** Tools and the choice among them, as callers give them. */
import type { Tool, ToolChoice } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { isRecord, type JsonRecord } from '../record.ts';
import { booleanOrNull, extraMember, others, placeOf, recordOrNull, text, textOrNull, type Place } from './fields.ts';

const FUNCTION = new Set(['type', 'name', 'description', 'parameters', 'strict']);
const CUSTOM = new Set(['type', 'name', 'description']);

export function readTools(tools: readonly unknown[]): readonly Tool[] {
  return tools.map((tool, index) => readTool(placeOf(tool, `tools[${index}]`)));
}

function readTool(place: Place): Tool {
  const type = text(place, 'type');
  if (type === 'function')
    return {
      kind: 'function',
      name: text(place, 'name'),
      description: textOrNull(place, 'description'),
      parameters: recordOrNull(place, 'parameters'),
      strict: booleanOrNull(place, 'strict'),
      ...extraMember(others(place.record, FUNCTION)),
    };
  if (type === 'custom')
    return {
      kind: 'custom',
      name: text(place, 'name'),
      description: textOrNull(place, 'description'),
      ...extraMember(others(place.record, CUSTOM)),
    };
  return { kind: 'opaque', of: 'openai-responses', label: type, value: place.record };
}

/** `raw` is a choice that only this dialect understands, for example of a hosted tool. */
export interface ReadToolChoice {
  readonly choice: ToolChoice | null;
  readonly raw: JsonRecord | null;
}

export function readToolChoice(value: unknown): ReadToolChoice {
  if (value === undefined || value === null) return { choice: null, raw: null };
  if (value === 'auto' || value === 'none' || value === 'required') return { choice: { kind: value }, raw: null };
  if (!isRecord(value))
    throw new RequestFault('tool_choice', 'tool_choice must be none, auto, required or an object with a type.');
  const place = placeOf(value, 'tool_choice');
  switch (text(place, 'type')) {
    case 'function':
    case 'custom':
      return { choice: { kind: 'named', name: text(place, 'name') }, raw: null };
    case 'allowed_tools':
      return readAllowed(value);
    default:
      return { choice: null, raw: value };
  }
}

function readAllowed(value: JsonRecord): ReadToolChoice {
  const tools: unknown = value['tools'];
  if (!Array.isArray(tools)) throw new RequestFault('tool_choice.tools', 'tool_choice.tools must be a list of tools.');
  const names = tools
    .filter(isRecord)
    .filter(isNamed)
    .map(({ name }) => name);
  if (names.length < tools.length) return { choice: null, raw: value };
  return { choice: { kind: 'allowed', names, required: value['mode'] === 'required' }, raw: null };
}

function isNamed(tool: JsonRecord): tool is JsonRecord & { readonly name: string } {
  return (tool['type'] === 'function' || tool['type'] === 'custom') && typeof tool['name'] === 'string';
}
