/** The caller's messages as turns. */
import { unpackCallId } from '../call-ids.ts';
import type { CacheMark, Part, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { readCacheMark } from './cache-mark.ts';
import { readContent } from './read-content.ts';
import { readThinkingParts } from './reasoning-details.ts';
import type { Field } from './request-fields.ts';
import {
  expected,
  extraOf,
  isAbsent,
  member,
  nestedOthers,
  optionalList,
  optionalRecord,
  optionalText,
  othersOf,
  requiredList,
  requiredRecord,
  requiredText,
} from './request-fields.ts';

const MESSAGE = new Set(['role', 'content', 'name', 'cache_control']);
const ASSISTANT = new Set([
  ...MESSAGE,
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
]);
const RESULT = new Set([...MESSAGE, 'tool_call_id']);
const CALL = new Set(['id', 'type', 'function', 'custom', 'index']);
const FUNCTION = new Set(['name', 'arguments']);
const CUSTOM = new Set(['name', 'input']);

/** Results that follow each other are one turn, as other dialects need it. */
export function readMessages(field: Field): readonly Turn[] {
  const turns: Turn[] = [];
  let results: Part[] | null = null;
  for (const item of requiredList(field)) {
    const message = requiredRecord(item);
    const result = readResult(message, item.path);
    if (result === null) {
      results = null;
      turns.push(readTurn(message, item.path));
    } else if (results === null) {
      results = [result];
      turns.push({ role: 'user', parts: results });
    } else results.push(result);
  }
  return turns;
}

function readTurn(message: JsonRecord, path: string): Turn {
  const role = requiredText(member(message, 'role', path));
  const name = optionalText(member(message, 'name', path));
  switch (role) {
    case 'system':
    case 'developer':
    case 'user':
      return {
        role,
        parts: readMarkedContent(message, path),
        ...(name !== null && { name }),
        ...extraOf(othersOf(message, MESSAGE)),
      };
    case 'assistant':
      return {
        role,
        parts: readAssistant(message, path),
        ...(name !== null && { name }),
        ...extraOf(othersOf(message, ASSISTANT)),
      };
    default:
      throw new RequestFault(
        `${path}.role`,
        `"${path}.role" must be system, developer, user, assistant or tool, not "${role.slice(0, 40)}".`,
      );
  }
}

/** A mark on the message stands for one on its last part. */
function readMarkedContent(message: JsonRecord, path: string): readonly Part[] {
  const parts = readContent(member(message, 'content', path));
  const { cache } = readCacheMark(message['cache_control']);
  return cache === undefined ? parts : parts.map((part, at) => (at === parts.length - 1 ? marked(part, cache) : part));
}

function marked(part: Part, cache: CacheMark): Part {
  return { cache, ...part };
}

function readAssistant(message: JsonRecord, path: string): readonly Part[] {
  const refusal = optionalText(member(message, 'refusal', path));
  return [
    ...readThinkingParts(message),
    ...readMarkedContent(message, path),
    ...(refusal === null || refusal === '' ? [] : [{ kind: 'refusal', text: refusal } as const]),
    ...readEarlierAudio(member(message, 'audio', path)),
    ...optionalList(member(message, 'tool_calls', path)).map(readCall),
    ...readFunctionCall(member(message, 'function_call', path)),
  ];
}

/** Sound that the model made in an earlier answer is named by its id. */
function readEarlierAudio(field: Field): readonly Part[] {
  const audio = optionalRecord(field);
  if (audio === null) return [];
  const id = requiredText(member(audio, 'id', field.path));
  return [{ kind: 'audio', source: { kind: 'id', id, of: 'openai' }, mediaType: null }];
}

function readCall(field: Field): ToolCallPart {
  const call = requiredRecord(field);
  const { path } = field;
  const packed = optionalText(member(call, 'id', path)) ?? '';
  const others = othersOf(call, CALL);
  const custom = optionalRecord(member(call, 'custom', path));
  if (custom !== null) {
    return {
      kind: 'tool_call',
      ...unpackCallId(packed),
      name: requiredText(member(custom, 'name', `${path}.custom`)),
      arguments: requiredText(member(custom, 'input', `${path}.custom`)),
      custom: true,
      ...extraOf(others, nestedOthers('custom', custom, CUSTOM)),
    };
  }
  const called = requiredRecord(member(call, 'function', path));
  return {
    kind: 'tool_call',
    ...unpackCallId(packed),
    ...readCalled(called, `${path}.function`),
    ...extraOf(others, nestedOthers('function', called, FUNCTION)),
  };
}

function readCalled(called: JsonRecord, path: string): Pick<ToolCallPart, 'name' | 'arguments'> {
  return {
    name: requiredText(member(called, 'name', path)),
    arguments: readArguments(member(called, 'arguments', path)),
  };
}

/** Some clients send the object itself, or nothing for no arguments. */
function readArguments({ value, path }: Field): string {
  if (isRecord(value)) return JSON.stringify(value);
  if (isAbsent(value)) return '{}';
  if (typeof value !== 'string') throw expected(path, 'a string of JSON');
  return value.trim() === '' ? '{}' : value;
}

/** The form of 2023, before there were tools: one call, without an id. */
function readFunctionCall(field: Field): readonly ToolCallPart[] {
  const call = optionalRecord(field);
  return call === null ? [] : [{ kind: 'tool_call', id: '', ...readCalled(call, field.path) }];
}

function readResult(message: JsonRecord, path: string): ToolResultPart | null {
  const role = message['role'];
  if (role !== 'tool' && role !== 'function') return null;
  const name = optionalText(member(message, 'name', path));
  const idField = member(message, 'tool_call_id', path);
  const packed = role === 'tool' ? requiredText(idField) : '';
  return {
    kind: 'tool_result',
    callId: unpackCallId(packed).id,
    ...(name !== null && { name }),
    parts: readContent(member(message, 'content', path)),
    isError: false,
    ...readCacheMark(message['cache_control']),
    ...extraOf(othersOf(message, RESULT)),
  };
}
