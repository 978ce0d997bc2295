/** The blocks of a client's message. */
import { unpackCallId } from '../call-ids.ts';
import type { Part, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts';
import { otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  anyMember,
  booleanMember,
  expected,
  extraMember,
  pathOf,
  recordMember,
  recordsAt,
  requiredText,
  textMember,
} from '../request-members.ts';
import { openSignature } from '../signature.ts';
import { readCitations } from './citations.ts';
import { cacheOf, readDocument, readImage } from './read-media.ts';

const TEXT = new Set(['type', 'text', 'citations', 'cache_control']);
const TOOL_USE = new Set(['type', 'id', 'name', 'input', 'cache_control']);
const TOOL_RESULT = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);

/** `content`: a text, or blocks. */
export function readContent(place: Place, name = 'content'): readonly Part[] {
  const content = place.value[name];
  const path = pathOf(place, name);
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) throw expected(path, 'a string or a list of content blocks');
  return recordsAt(content, path, readBlock);
}

function readBlock(place: Place): Part {
  switch (requiredText(place, 'type')) {
    case 'text':
      return readText(place);
    case 'image':
      return { ...readImage(place), ...cacheOf(place) };
    case 'document': {
      const part = readDocument(place);
      return part === null ? opaque(place) : { ...part, ...cacheOf(place) };
    }
    case 'tool_use':
      return readCall(place);
    case 'tool_result':
      return readResult(place);
    case 'thinking':
      return readThinking(place);
    case 'redacted_thinking': {
      const data = requiredText(place, 'data');
      return { kind: 'thinking', text: '', signature: openSignature(data, 'anthropic'), redacted: true };
    }
    default:
      return opaque(place);
  }
}

function readText(place: Place): TextPart {
  const text = requiredText(place, 'text');
  const annotations = readCitations(place.value['citations'], text);
  return {
    kind: 'text',
    text,
    ...(annotations.length === 0 ? {} : { annotations }),
    ...cacheOf(place),
    ...extraMember(otherMembers(place.value, TEXT)),
  };
}

/** A signature that came from another family is in its envelope; none, or an empty one, proves nothing. */
function readThinking(place: Place): Part {
  const text = textMember(place, 'thinking') ?? '';
  const signature = textMember(place, 'signature') ?? '';
  return { kind: 'thinking', text, signature: signature === '' ? null : openSignature(signature, 'anthropic') };
}

function readCall(place: Place): ToolCallPart {
  const { id, signature } = unpackCallId(requiredText(place, 'id'));
  const input = recordMember(place, 'input')?.value ?? {};
  return {
    kind: 'tool_call',
    id,
    name: requiredText(place, 'name'),
    arguments: JSON.stringify(input),
    ...(signature === undefined ? {} : { signature }),
    ...cacheOf(place),
    ...extraMember(otherMembers(place.value, TOOL_USE)),
  };
}

function readResult(place: Place): ToolResultPart {
  const packed = requiredText(place, 'tool_use_id');
  return {
    kind: 'tool_result',
    callId: unpackCallId(packed).id,
    parts: anyMember(place, 'content') === undefined ? [] : readContent(place),
    isError: booleanMember(place, 'is_error') ?? false,
    ...cacheOf(place),
    ...extraMember(otherMembers(place.value, TOOL_RESULT)),
  };
}

/** Blocks of tools that run at the provider, and kinds that are not known: only Anthropic understands them. */
function opaque({ value }: Place): Part {
  return { kind: 'opaque', of: 'anthropic', value };
}
