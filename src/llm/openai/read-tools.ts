/** The caller's tools, and which of them it wants used. */
import type { Tool, ToolChoice } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { readCacheMark } from './cache-mark.ts';
import type { Field } from './request-fields.ts';
import {
  expected,
  extraOf,
  isAbsent,
  member,
  nestedOthers,
  optionalFlag,
  optionalList,
  optionalRecord,
  optionalText,
  othersOf,
  requiredList,
  requiredRecord,
  requiredText,
} from './request-fields.ts';

const TOOL = new Set(['type', 'function', 'custom', 'cache_control']);
const FUNCTION = new Set(['name', 'description', 'parameters', 'strict', 'cache_control']);
const CUSTOM = new Set(['name', 'description']);

/** `functions` is the form of 2023, before there were tools. */
export function readTools(body: JsonRecord): readonly Tool[] {
  return [
    ...optionalList(member(body, 'tools')).map(readTool),
    ...optionalList(member(body, 'functions')).map((field) => readFunction(requiredRecord(field), {}, field.path)),
  ];
}

function readTool(field: Field): Tool {
  const tool = requiredRecord(field);
  const type = requiredText(member(tool, 'type', field.path));
  switch (type) {
    case 'function': {
      const inner = member(tool, 'function', field.path);
      return readFunction(requiredRecord(inner), tool, inner.path);
    }
    case 'custom': {
      const inner = member(tool, 'custom', field.path);
      const custom = requiredRecord(inner);
      return {
        kind: 'custom',
        name: requiredText(member(custom, 'name', inner.path)),
        description: optionalText(member(custom, 'description', inner.path)),
        ...extraOf(othersOf(tool, TOOL), nestedOthers('custom', custom, CUSTOM)),
      };
    }
    default:
      return { kind: 'opaque', of: 'openai', label: type, value: tool };
  }
}

function readFunction(inner: JsonRecord, tool: JsonRecord, path: string): Tool {
  return {
    kind: 'function',
    name: requiredText(member(inner, 'name', path)),
    description: optionalText(member(inner, 'description', path)),
    parameters: optionalRecord(member(inner, 'parameters', path)),
    strict: optionalFlag(member(inner, 'strict', path)),
    ...readCacheMark(tool['cache_control'], inner['cache_control']),
    ...extraOf(othersOf(tool, TOOL), nestedOthers('function', inner, FUNCTION)),
  };
}

export function readToolChoice(body: JsonRecord): ToolChoice | null {
  const field = member(body, 'tool_choice');
  const legacy = member(body, 'function_call');
  if (isAbsent(field.value)) return isAbsent(legacy.value) ? null : readLegacyChoice(legacy);
  if (typeof field.value === 'string') return readChoiceWord(field.value, field.path);
  const choice = requiredRecord(field);
  const type = requiredText(member(choice, 'type', field.path));
  if (type === 'allowed_tools') return readAllowed(member(choice, 'allowed_tools', field.path));
  if (type !== 'function' && type !== 'custom')
    throw expected(`${field.path}.type`, 'function, custom or allowed_tools');
  return { kind: 'named', name: readToolName({ value: choice, path: field.path }) };
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

function readLegacyChoice(field: Field): ToolChoice {
  if (typeof field.value === 'string') return readChoiceWord(field.value, field.path);
  return { kind: 'named', name: requiredText(member(requiredRecord(field), 'name', field.path)) };
}

function readAllowed(field: Field): ToolChoice {
  const allowed = requiredRecord(field);
  const mode = requiredText(member(allowed, 'mode', field.path));
  if (mode !== 'auto' && mode !== 'required') throw expected(`${field.path}.mode`, 'auto or required');
  const names = requiredList(member(allowed, 'tools', field.path)).map(readToolName);
  return { kind: 'allowed', names, required: mode === 'required' };
}

function readToolName({ value, path }: Field): string {
  const tool = requiredRecord({ value, path });
  for (const name of ['function', 'custom']) {
    const inner = tool[name];
    if (isRecord(inner)) return requiredText(member(inner, 'name', `${path}.${name}`));
  }
  return requiredText(member(tool, 'name', path));
}
