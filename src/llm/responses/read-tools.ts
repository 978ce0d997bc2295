/** Tools and the choice among them, as callers give them. */
import type { Tool, ToolChoice } from '../canonical.ts';
import { isRecord, otherMembers, type JsonRecord } from '../record.ts';
import {
  booleanMember,
  expected,
  extraMember,
  recordAt,
  recordMember,
  recordsMember,
  requiredText,
  textMember,
  type Place,
} from '../request-members.ts';

const FUNCTION = new Set(['type', 'name', 'description', 'parameters', 'strict']);
const CUSTOM = new Set(['type', 'name', 'description']);

export function readTools(place: Place): readonly Tool[] {
  return recordsMember(place, 'tools', readTool);
}

function readTool(place: Place): Tool {
  const type = requiredText(place, 'type');
  if (type === 'function')
    return {
      kind: 'function',
      name: requiredText(place, 'name'),
      description: textMember(place, 'description'),
      parameters: recordMember(place, 'parameters')?.value ?? null,
      strict: booleanMember(place, 'strict'),
      ...extraMember(otherMembers(place.value, FUNCTION)),
    };
  if (type === 'custom')
    return {
      kind: 'custom',
      name: requiredText(place, 'name'),
      description: textMember(place, 'description'),
      ...extraMember(otherMembers(place.value, CUSTOM)),
    };
  return { kind: 'opaque', of: 'openai-responses', label: type, value: place.value };
}

/** `raw` is a choice that only this dialect understands, for example of a hosted tool. */
export interface ReadToolChoice {
  readonly choice: ToolChoice | null;
  readonly raw: JsonRecord | null;
}

export function readToolChoice(value: unknown): ReadToolChoice {
  if (value === undefined || value === null) return { choice: null, raw: null };
  if (value === 'auto' || value === 'none' || value === 'required') return { choice: { kind: value }, raw: null };
  if (!isRecord(value)) throw expected('tool_choice', 'none, auto, required or an object with a type');
  const place = recordAt(value, 'tool_choice');
  switch (requiredText(place, 'type')) {
    case 'function':
    case 'custom':
      return { choice: { kind: 'named', name: requiredText(place, 'name') }, raw: null };
    case 'allowed_tools':
      return readAllowed(value);
    default:
      return { choice: null, raw: value };
  }
}

function readAllowed(value: JsonRecord): ReadToolChoice {
  const tools: unknown = value['tools'];
  if (!Array.isArray(tools)) throw expected('tool_choice.tools', 'a list of tools');
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
