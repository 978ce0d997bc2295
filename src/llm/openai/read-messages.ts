/** The caller's messages as turns. */
import { unpackCallId } from '../call-ids.ts';
import type { CacheMark, Part, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { isRecord, otherMembers, within } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  anyMember,
  expected,
  extraMember,
  pathOf,
  recordAt,
  recordMember,
  recordsMember,
  requiredList,
  requiredRecord,
  requiredText,
  textMember,
} from '../request-members.ts';
import { readCacheMark } from './cache-mark.ts';
import { readContent } from './read-content.ts';
import { readThinkingParts } from './reasoning-details.ts';

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
export function readMessages(place: Place): readonly Turn[] {
  const turns: Turn[] = [];
  let results: Part[] | null = null;
  for (const [index, item] of requiredList(place, 'messages').entries()) {
    const message = recordAt(item, `messages[${index}]`);
    const result = readResult(message);
    if (result === null) {
      results = null;
      turns.push(readTurn(message));
    } else if (results === null) {
      results = [result];
      turns.push({ role: 'user', parts: results });
    } else results.push(result);
  }
  return turns;
}

function readTurn(message: Place): Turn {
  const role = requiredText(message, 'role');
  const name = textMember(message, 'name');
  switch (role) {
    case 'system':
    case 'developer':
    case 'user':
      return {
        role,
        parts: readMarkedContent(message),
        ...(name !== null && { name }),
        ...extraMember(otherMembers(message.value, MESSAGE)),
      };
    case 'assistant':
      return {
        role,
        parts: readAssistant(message),
        ...(name !== null && { name }),
        ...extraMember(otherMembers(message.value, ASSISTANT)),
      };
    default:
      throw expected(pathOf(message, 'role'), `system, developer, user, assistant or tool, not "${role.slice(0, 40)}"`);
  }
}

/** A mark on the message stands for one on its last part. */
function readMarkedContent(message: Place): readonly Part[] {
  const parts = readContent(message);
  const { cache } = readCacheMark(message.value['cache_control']);
  return cache === undefined ? parts : parts.map((part, at) => (at === parts.length - 1 ? marked(part, cache) : part));
}

function marked(part: Part, cache: CacheMark): Part {
  return { cache, ...part };
}

function readAssistant(message: Place): readonly Part[] {
  const refusal = textMember(message, 'refusal');
  return [
    ...readThinkingParts(message.value),
    ...readMarkedContent(message),
    ...(refusal === null || refusal === '' ? [] : [{ kind: 'refusal', text: refusal } as const]),
    ...readEarlierAudio(message),
    ...recordsMember(message, 'tool_calls', readCall),
    ...readFunctionCall(message),
  ];
}

/** Sound that the model made in an earlier answer is named by its id. */
function readEarlierAudio(message: Place): readonly Part[] {
  const audio = recordMember(message, 'audio');
  if (audio === null) return [];
  const id = requiredText(audio, 'id');
  return [{ kind: 'audio', source: { kind: 'id', id, of: 'openai' }, mediaType: null }];
}

function readCall(call: Place): ToolCallPart {
  const packed = textMember(call, 'id') ?? '';
  const others = otherMembers(call.value, CALL);
  const custom = recordMember(call, 'custom');
  if (custom !== null) {
    return {
      kind: 'tool_call',
      ...unpackCallId(packed),
      name: requiredText(custom, 'name'),
      arguments: requiredText(custom, 'input'),
      custom: true,
      ...extraMember({ ...others, ...within('custom', otherMembers(custom.value, CUSTOM)) }),
    };
  }
  const called = requiredRecord(call, 'function');
  return {
    kind: 'tool_call',
    ...unpackCallId(packed),
    ...readCalled(called),
    ...extraMember({ ...others, ...within('function', otherMembers(called.value, FUNCTION)) }),
  };
}

function readCalled(called: Place): Pick<ToolCallPart, 'name' | 'arguments'> {
  return {
    name: requiredText(called, 'name'),
    arguments: readArguments(called),
  };
}

/** Some clients send the object itself, or nothing for no arguments. */
function readArguments(called: Place): string {
  const value = anyMember(called, 'arguments');
  if (isRecord(value)) return JSON.stringify(value);
  if (value === undefined) return '{}';
  if (typeof value !== 'string') throw expected(pathOf(called, 'arguments'), 'a string of JSON');
  return value.trim() === '' ? '{}' : value;
}

/** The form of 2023, before there were tools: one call, without an id. */
function readFunctionCall(message: Place): readonly ToolCallPart[] {
  const call = recordMember(message, 'function_call');
  return call === null ? [] : [{ kind: 'tool_call', id: '', ...readCalled(call) }];
}

function readResult(message: Place): ToolResultPart | null {
  const role = message.value['role'];
  if (role !== 'tool' && role !== 'function') return null;
  const name = textMember(message, 'name');
  const packed = role === 'tool' ? requiredText(message, 'tool_call_id') : '';
  return {
    kind: 'tool_result',
    callId: unpackCallId(packed).id,
    ...(name !== null && { name }),
    parts: readContent(message),
    isError: false,
    ...readCacheMark(message.value['cache_control']),
    ...extraMember(otherMembers(message.value, RESULT)),
  };
}
