/** `tools` and `toolConfig` of a caller. */
import type { Tool, ToolChoice } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import {
  extraMember,
  memberList,
  memberObject,
  memberText,
  memberTexts,
  membersOf,
  objectAt,
  requiredText,
  restOf,
} from './members.ts';
import { jsonSchemaOf } from './schema.ts';

const DECLARATIONS = new Set(['functionDeclarations']);
const DECLARATION = new Set(['name', 'description', 'parameters', 'parametersJsonSchema']);

/** Every function, and every tool that Google runs itself. */
export function readTools(members: JsonRecord, path: string): readonly Tool[] {
  return memberList(members, 'tools', path).flatMap((value, index) => {
    const field = `${path}tools[${index}]`;
    const tool = objectAt(value, field);
    const functions = memberList(tool, 'functionDeclarations', `${field}.`).map((declaration, at) =>
      readFunction(declaration, `${field}.functionDeclarations[${at}]`),
    );
    const others = Object.entries(restOf(tool, DECLARATIONS)).map(([label, each]): Tool => ({
      kind: 'opaque',
      of: 'gemini',
      label,
      value: { [label]: each },
    }));
    return [...functions, ...others];
  });
}

function readFunction(value: unknown, field: string): Tool {
  const members = objectAt(value, field);
  const path = `${field}.`;
  const { parameters } = members;
  return {
    kind: 'function',
    name: requiredText(members, 'name', path),
    description: memberText(members, 'description', path),
    parameters:
      memberObject(members, 'parametersJsonSchema', path) ??
      (parameters === undefined ? null : jsonSchemaOf(parameters, `${path}parameters`)),
    strict: null,
    ...extraMember(restOf(members, DECLARATION)),
  };
}

const CONFIG = new Set(['functionCallingConfig']);
const CALLING = new Set(['mode', 'allowedFunctionNames']);
const CALLING_PATH = 'toolConfig.functionCallingConfig.';

/** What `toolConfig` says; what no field stands for is in `extra`, by its path. */
export function readToolChoice(
  members: JsonRecord,
  path: string,
): { readonly choice: ToolChoice | null; readonly extra: JsonRecord } {
  const config = membersOf(memberObject(members, 'toolConfig', path) ?? {});
  const calling = membersOf(memberObject(config, 'functionCallingConfig', `${path}toolConfig.`) ?? {});
  const mode = memberText(calling, 'mode', path + CALLING_PATH);
  const names = memberTexts(calling, 'allowedFunctionNames', path + CALLING_PATH);
  // Google's own checked mode without names is `auto` elsewhere: it goes on as it came.
  const validated = mode === 'VALIDATED' && names.length === 0 ? { [`${CALLING_PATH}mode`]: mode } : {};
  return {
    choice: choiceOf(mode, names, `${path}${CALLING_PATH}mode`),
    extra: {
      ...prefixed('toolConfig.', restOf(config, CONFIG)),
      ...prefixed(CALLING_PATH, restOf(calling, CALLING)),
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
