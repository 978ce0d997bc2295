/** `tools` and `toolConfig` of a caller. */
import type { Tool, ToolChoice } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import { extraMember, pathOf, recordMember, textMember } from '../request-members.ts';
import { filledText, placeMember, placesMember, textsMember } from './members.ts';
import { jsonSchemaOf } from './schema.ts';

const DECLARATIONS = new Set(['functionDeclarations']);
const DECLARATION = new Set(['name', 'description', 'parameters', 'parametersJsonSchema']);

/** Every function, and every tool that Google runs itself. */
export function readTools(place: Place): readonly Tool[] {
  return placesMember(place, 'tools', readTool).flat();
}

function readTool(tool: Place): readonly Tool[] {
  const functions = placesMember(tool, 'functionDeclarations', readFunction);
  const others = Object.entries(otherMembers(tool.value, DECLARATIONS)).map(([label, each]): Tool => ({
    kind: 'opaque',
    of: 'gemini',
    label,
    value: { [label]: each },
  }));
  return [...functions, ...others];
}

function readFunction(declaration: Place): Tool {
  const { parameters } = declaration.value;
  return {
    kind: 'function',
    name: filledText(declaration, 'name'),
    description: textMember(declaration, 'description'),
    parameters:
      recordMember(declaration, 'parametersJsonSchema')?.value ??
      (parameters === undefined ? null : jsonSchemaOf(parameters, pathOf(declaration, 'parameters'))),
    strict: null,
    ...extraMember(otherMembers(declaration.value, DECLARATION)),
  };
}

const CONFIG = new Set(['functionCallingConfig']);
const CALLING = new Set(['mode', 'allowedFunctionNames']);
const CALLING_PATH = 'toolConfig.functionCallingConfig.';

/** What `toolConfig` says; what no field stands for is in `extra`, by its path. */
export function readToolChoice(place: Place): {
  readonly choice: ToolChoice | null;
  readonly extra: JsonRecord;
} {
  const config = placeMember(place, 'toolConfig');
  const calling = placeMember(config, 'functionCallingConfig');
  const mode = textMember(calling, 'mode');
  const names = textsMember(calling, 'allowedFunctionNames');
  // Google's own checked mode without names is `auto` elsewhere: it goes on as it came.
  const validated = mode === 'VALIDATED' && names.length === 0 ? { [`${CALLING_PATH}mode`]: mode } : {};
  return {
    choice: choiceOf(mode, names, pathOf(calling, 'mode')),
    extra: {
      ...prefixed('toolConfig.', otherMembers(config.value, CONFIG)),
      ...prefixed(CALLING_PATH, otherMembers(calling.value, CALLING)),
      ...validated,
    },
  };
}

/** The members under their paths. */
export function prefixed(prefix: string, record: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));
}

function choiceOf(mode: string | null, names: readonly string[], field: string): ToolChoice | null {
  const [name] = names;
  switch (mode) {
    case null:
    case 'MODE_UNSPECIFIED':
      return null;
    case 'AUTO':
      return { kind: 'auto' };
    case 'NONE':
      return { kind: 'none' };
    case 'ANY':
      if (name === undefined) return { kind: 'required' };
      return names.length === 1 ? { kind: 'named', name } : { kind: 'allowed', names, required: true };
    case 'VALIDATED':
      return name === undefined ? null : { kind: 'allowed', names, required: false };
    default:
      throw new RequestFault(field, `"${field}" must be "AUTO", "ANY", "NONE" or "VALIDATED".`);
  }
}
