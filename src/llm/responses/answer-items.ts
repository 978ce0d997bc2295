/** Items of a provider's answer, read with tolerance. */
import type { Part, RefusalPart, TextPart, ToolCallPart } from '../canonical.ts';
import { isRecord, textOf, type JsonRecord } from '../record.ts';
import { readAnnotations, readLogprobs } from './annotations.ts';
import { itemExtra } from './item-ids.ts';
import { withMessage } from './read-items.ts';
import { thinkingOf } from './reasoning.ts';

const MESSAGE = new Set(['type', 'role', 'content']);
const CALL = new Set(['type', 'call_id', 'name', 'arguments', 'input']);

export function partsOfItem(item: JsonRecord): readonly Part[] {
  switch (item['type']) {
    case 'message':
      return withMessage(
        contentOf(item)
          .map(contentPart)
          .filter((part) => part !== null),
        itemExtra(item, MESSAGE),
      );
    case 'reasoning':
      return thinkingParts(item);
    case 'function_call':
    case 'custom_tool_call':
      return [callPart(item)];
    default:
      return [{ kind: 'opaque', of: 'openai-responses', value: item }];
  }
}

/** The parts of a message's content. */
export function contentOf(message: JsonRecord): readonly JsonRecord[] {
  const content: unknown = message['content'];
  if (typeof content === 'string') return [{ type: 'output_text', text: content }];
  return Array.isArray(content) ? content.filter(isRecord) : [];
}

/** Null for what is neither text nor a refusal. */
export function contentPart(part: JsonRecord): TextPart | RefusalPart | null {
  if (part['type'] === 'refusal') return { kind: 'refusal', text: textOf(part['refusal']) };
  if (part['type'] !== 'output_text') return null;
  const annotations = readAnnotations(part['annotations']);
  const logprobs = readLogprobs(part['logprobs']);
  return {
    kind: 'text',
    text: textOf(part['text']),
    ...(annotations.length > 0 && { annotations }),
    ...(logprobs.length > 0 && { logprobs }),
  };
}

/** Reasoning that is neither shown nor proven tells nothing. */
function thinkingParts(item: JsonRecord): readonly Part[] {
  const encrypted = textOf(item['encrypted_content']);
  const part = thinkingOf(item, encrypted === '' ? null : { of: 'openai-responses', value: encrypted });
  return part.text === '' && part.signature === null ? [] : [part];
}

function callPart(item: JsonRecord): ToolCallPart {
  const custom = item['type'] === 'custom_tool_call';
  const extra = itemExtra(item, CALL);
  return {
    kind: 'tool_call',
    id: textOf(item['call_id']),
    name: textOf(item['name']),
    arguments: custom ? textOf(item['input']) : textOf(item['arguments']) || '{}',
    ...(custom && { custom }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}
