/** Items of a request's `input`, gathered into turns: what the model said between two inputs is one turn. */
import type { Part, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { unpackCallId } from '../call-ids.ts';
import {
  expected,
  extraMember,
  pathOf,
  recordAt,
  recordsMember,
  requiredText,
  textMember,
  type Place,
} from '../request-members.ts';
import { readContent } from './read-content.ts';
import { isOurItemId, itemExtra } from './item-ids.ts';
import { openEncrypted, thinkingOf } from './reasoning.ts';

const MESSAGE = new Set(['type', 'role', 'content']);
const CALL = new Set(['type', 'call_id', 'name', 'arguments']);
const CUSTOM_CALL = new Set(['type', 'call_id', 'name', 'input']);
const OUTPUT = new Set(['type', 'call_id', 'output']);
const ROLES: ReadonlySet<string> = new Set(['user', 'assistant', 'system', 'developer']);

/** Items that only we understand have no place in another dialect: whose they are decides the turn they stand in. */
const CALLERS_ITEMS: ReadonlySet<string> = new Set([
  'item_reference',
  'additional_tools',
  'configuration_update',
  'compaction_trigger',
]);

export function readInput(input: unknown): readonly Turn[] {
  if (input === undefined || input === null) return [];
  if (typeof input === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: input }] }];
  if (!Array.isArray(input)) throw expected('input', 'a string or a list of items');
  const turns = new Turns();
  for (const [index, item] of input.entries()) readItem(recordAt(item, `input[${index}]`), turns);
  return turns.all();
}

/** Gathers parts of the same side into one turn; a message of the caller's is a turn of its own. */
class Turns {
  readonly #turns: Turn[] = [];
  #parts: Part[] = [];
  #open: 'assistant' | 'user' | null = null;

  add(side: 'assistant' | 'user', parts: readonly Part[]): void {
    if (this.#open !== side) {
      this.#parts = [];
      this.#turns.push({ role: side, parts: this.#parts });
    }
    this.#open = side;
    for (const part of parts) this.#parts.push(part);
  }

  message(turn: Turn): void {
    this.#turns.push(turn);
    this.#open = null;
  }

  all(): readonly Turn[] {
    return this.#turns;
  }
}

function readItem(place: Place, turns: Turns): void {
  const type = textMember(place, 'type');
  switch (type ?? (place.value['role'] === undefined ? 'item_reference' : 'message')) {
    case 'message':
      return readMessage(place, turns);
    case 'function_call':
      return turns.add('assistant', [readCall(place, 'arguments')]);
    case 'custom_tool_call':
      return turns.add('assistant', [readCall(place, 'input')]);
    case 'function_call_output':
    case 'custom_tool_call_output':
      return turns.add('user', [readResult(place, type === 'custom_tool_call_output')]);
    case 'reasoning':
      return turns.add('assistant', [readReasoning(place)]);
    default:
      return turns.add(sideOf(type), [readOther(place, type)]);
  }
}

function readMessage(place: Place, turns: Turns): void {
  const role = requiredText(place, 'role');
  if (!isRole(role)) throw expected(pathOf(place, 'role'), 'user, assistant, system or developer');
  const parts = readContent(place, 'content');
  const extra = itemExtra(place.value, MESSAGE);
  if (role !== 'assistant') return turns.message({ role, parts, ...extraMember(extra) });
  turns.add('assistant', withMessage(parts, extra));
}

function isRole(role: string): role is Turn['role'] {
  return ROLES.has(role);
}

/** A turn holds several of the model's messages: what one says beside its content stands at its first part. */
export function withMessage(parts: readonly Part[], message: Part['extra']): readonly Part[] {
  const [first, ...rest] = parts;
  if (first === undefined || message === undefined || Object.keys(message).length === 0) return parts;
  return [{ ...first, extra: { ...first.extra, message } }, ...rest];
}

function readCall(place: Place, input: 'arguments' | 'input'): ToolCallPart {
  const custom = input === 'input';
  const words = requiredText(place, input);
  return {
    kind: 'tool_call',
    ...unpackCallId(requiredText(place, 'call_id')),
    name: requiredText(place, 'name'),
    arguments: words === '' && !custom ? '{}' : words,
    ...(custom && { custom }),
    ...extraMember(itemExtra(place.value, custom ? CUSTOM_CALL : CALL)),
  };
}

function readResult(place: Place, custom: boolean): ToolResultPart {
  return {
    kind: 'tool_result',
    callId: unpackCallId(requiredText(place, 'call_id')).id,
    parts: place.value['output'] === '' ? [] : readContent(place, 'output'),
    isError: false,
    ...(custom && { custom }),
    ...extraMember(itemExtra(place.value, OUTPUT)),
  };
}

function readReasoning(place: Place): Part {
  for (const name of ['summary', 'content']) recordsMember(place, name, (part) => requiredText(part, 'text'));
  const encrypted = textMember(place, 'encrypted_content');
  if (encrypted === null || encrypted === '') return thinkingOf(place.value, null);
  const { signature, redacted } = openEncrypted(encrypted);
  return { ...thinkingOf(place.value, signature), ...(redacted && { redacted }) };
}

/** An image that another provider's model made went out as an item of ours: it becomes the image again. */
function readOther(place: Place, type: string | null): Part {
  const { value: record } = place;
  if (type === 'image_generation_call' && isOurItemId(record['id']) && typeof record['result'] === 'string') {
    const format = textMember(place, 'output_format');
    const mediaType = format === null ? null : `image/${format}`;
    return { kind: 'image', source: { kind: 'base64', data: record['result'] }, mediaType };
  }
  return { kind: 'opaque', of: 'openai-responses', value: record };
}

function sideOf(type: string | null): 'assistant' | 'user' {
  if (type === null || CALLERS_ITEMS.has(type)) return 'user';
  return type.endsWith('_output') || type.endsWith('_response') ? 'user' : 'assistant';
}
