/** The tools of a client's request. */
import type { Tool, ToolChoice } from '../canonical.ts';
import { otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  booleanMember,
  expected,
  extraMember,
  recordMember,
  recordsMember,
  requiredText,
  textMember,
} from '../request-members.ts';
import { cacheOf } from './read-media.ts';

const TOOL = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']);

export function readTools(place: Place): readonly Tool[] {
  return recordsMember(place, 'tools', readTool);
}

/** Tools without a type, or of type `custom`, are the client's; any other type is Anthropic's own. */
function readTool(place: Place): Tool {
  const type = textMember(place, 'type');
  if (type !== null && type !== 'custom')
    return { kind: 'opaque', of: 'anthropic', label: textMember(place, 'name') ?? type, value: place.value };
  return {
    kind: 'function',
    name: requiredText(place, 'name'),
    description: textMember(place, 'description'),
    parameters: recordMember(place, 'input_schema')?.value ?? null,
    strict: booleanMember(place, 'strict'),
    ...cacheOf(place),
    ...extraMember(otherMembers(place.value, TOOL)),
  };
}

interface Choosing {
  readonly toolChoice: ToolChoice | null;
  readonly parallelToolCalls: boolean | null;
}

export function readToolChoice(place: Place): Choosing {
  const choice = recordMember(place, 'tool_choice');
  if (choice === null) return { toolChoice: null, parallelToolCalls: null };
  const disabled = booleanMember(choice, 'disable_parallel_tool_use');
  return { toolChoice: readChoice(choice), parallelToolCalls: disabled === null ? null : !disabled };
}

function readChoice(place: Place): ToolChoice {
  switch (place.value['type']) {
    case 'auto':
      return { kind: 'auto' };
    case 'none':
      return { kind: 'none' };
    case 'any':
      return { kind: 'required' };
    case 'tool':
      return { kind: 'named', name: requiredText(place, 'name') };
    default:
      throw expected(`${place.path}.type`, 'auto, any, tool or none');
  }
}
