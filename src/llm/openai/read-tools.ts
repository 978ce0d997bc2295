/** The caller's tools, and which of them it wants used. */
import type { Tool, ToolChoice } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, otherMembers, within } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  anyMember,
  booleanMember,
  expected,
  extraMember,
  pathOf,
  recordMember,
  recordsMember,
  requiredRecord,
  requiredRecords,
  requiredText,
  textMember,
} from '../request-members.ts';
import { readCacheMark } from './cache-mark.ts';

const TOOL = new Set(['type', 'function', 'custom', 'cache_control']);
const FUNCTION = new Set(['name', 'description', 'parameters', 'strict', 'cache_control']);
const CUSTOM = new Set(['name', 'description']);

/** `functions` is the form of 2023, before there were tools. */
export function readTools(place: Place): readonly Tool[] {
  return [
    ...recordsMember(place, 'tools', readTool),
    ...recordsMember(place, 'functions', (inner) => readFunction(inner, {})),
  ];
}

function readTool(tool: Place): Tool {
  const type = requiredText(tool, 'type');
  switch (type) {
    case 'function':
      return readFunction(requiredRecord(tool, 'function'), tool.value);
    case 'custom': {
      const custom = requiredRecord(tool, 'custom');
      return {
        kind: 'custom',
        name: requiredText(custom, 'name'),
        description: textMember(custom, 'description'),
        ...extraMember({ ...otherMembers(tool.value, TOOL), ...within('custom', otherMembers(custom.value, CUSTOM)) }),
      };
    }
    default:
      return { kind: 'opaque', of: 'openai', label: type, value: tool.value };
  }
}

function readFunction(inner: Place, tool: JsonRecord): Tool {
  return {
    kind: 'function',
    name: requiredText(inner, 'name'),
    description: textMember(inner, 'description'),
    parameters: recordMember(inner, 'parameters')?.value ?? null,
    strict: booleanMember(inner, 'strict'),
    ...readCacheMark(tool['cache_control'], inner.value['cache_control']),
    ...extraMember({ ...otherMembers(tool, TOOL), ...within('function', otherMembers(inner.value, FUNCTION)) }),
  };
}

export function readToolChoice(place: Place): ToolChoice | null {
  const wanted = anyMember(place, 'tool_choice');
  if (wanted === undefined) return readLegacyChoice(place);
  if (typeof wanted === 'string') return readChoiceWord(wanted, 'tool_choice');
  const choice = requiredRecord(place, 'tool_choice');
  const type = requiredText(choice, 'type');
  if (type === 'allowed_tools') return readAllowed(requiredRecord(choice, 'allowed_tools'));
  if (type !== 'function' && type !== 'custom')
    throw expected(pathOf(choice, 'type'), 'function, custom or allowed_tools');
  return { kind: 'named', name: readToolName(choice) };
}

function readChoiceWord(word: string, path: string): ToolChoice {
  switch (word) {
    case 'auto':
    case 'none':
    case 'required':
      return { kind: word };
    // Mistral's word.
    case 'any':
      return { kind: 'required' };
    default:
      throw expected(path, 'none, auto, required or an object that names a tool');
  }
}

function readLegacyChoice(place: Place): ToolChoice | null {
  const wanted = anyMember(place, 'function_call');
  if (wanted === undefined) return null;
  if (typeof wanted === 'string') return readChoiceWord(wanted, 'function_call');
  return { kind: 'named', name: requiredText(requiredRecord(place, 'function_call'), 'name') };
}

function readAllowed(allowed: Place): ToolChoice {
  const mode = requiredText(allowed, 'mode');
  if (mode !== 'auto' && mode !== 'required') throw expected(pathOf(allowed, 'mode'), 'auto or required');
  return { kind: 'allowed', names: requiredRecords(allowed, 'tools', readToolName), required: mode === 'required' };
}

function readToolName(tool: Place): string {
  for (const name of ['function', 'custom'])
    if (isRecord(tool.value[name])) return requiredText(requiredRecord(tool, name), 'name');
  return requiredText(tool, 'name');
}
