/** The blocks of a client's message. */
import { unpackCallId } from '../call-ids.ts';
import type { Part, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { openSignature } from '../signature.ts';
import { readCitations } from './citations.ts';
import { cacheOf, readDocument, readImage } from './read-media.ts';
import type { Place } from './request-members.ts';
import { booleanMember, expected, otherMembers, pathOf, recordAt, required, textMember } from './request-members.ts';

const TEXT = new Set(['type', 'text', 'citations', 'cache_control']);
const TOOL_USE = new Set(['type', 'id', 'name', 'input', 'cache_control']);
const TOOL_RESULT = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);

/** `content`: a text, or blocks. */
export function readContent(place: Place, name = 'content'): readonly Part[] {
  const content = place.value[name];
  const path = pathOf(place, name);
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) throw expected(path, 'a string or an array of content blocks');
  return content.map((block: unknown, index) => readBlock(recordAt(block, `${path}[${index}]`)));
}

function readBlock(place: Place): Part {
  switch (required(textMember(place, 'type'), place, 'type', 'a string')) {
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
      const data = required(textMember(place, 'data'), place, 'data', 'a string');
      return { kind: 'thinking', text: '', signature: openSignature(data, 'anthropic'), redacted: true };
    }
    default:
      return opaque(place);
  }
}

function readText(place: Place): TextPart {
  const text = required(textMember(place, 'text'), place, 'text', 'a string');
  const annotations = readCitations(place.value['citations'], text);
  return {
    kind: 'text',
    text,
    ...(annotations.length === 0 ? {} : { annotations }),
    ...cacheOf(place),
    ...extraOf(place, TEXT),
  };
}

/** A signature that came from another family is in its envelope; none, or an empty one, proves nothing. */
function readThinking(place: Place): Part {
  const text = textMember(place, 'thinking') ?? '';
  const signature = textMember(place, 'signature') ?? '';
  return { kind: 'thinking', text, signature: signature === '' ? null : openSignature(signature, 'anthropic') };
}

function readCall(place: Place): ToolCallPart {
  const { id, signature } = unpackCallId(required(textMember(place, 'id'), place, 'id', 'a string'));
  const input = place.value['input'] ?? {};
  if (!isRecord(input)) throw expected(pathOf(place, 'input'), 'an object');
  return {
    kind: 'tool_call',
    id,
    name: required(textMember(place, 'name'), place, 'name', 'a string'),
    arguments: JSON.stringify(input),
    ...(signature === undefined ? {} : { signature }),
    ...cacheOf(place),
    ...extraOf(place, TOOL_USE),
  };
}

function readResult(place: Place): ToolResultPart {
  const packed = required(textMember(place, 'tool_use_id'), place, 'tool_use_id', 'a string');
  const isEmpty = place.value['content'] === undefined || place.value['content'] === null;
  return {
    kind: 'tool_result',
    callId: unpackCallId(packed).id,
    parts: isEmpty ? [] : readContent(place),
    isError: booleanMember(place, 'is_error') ?? false,
    ...cacheOf(place),
    ...extraOf(place, TOOL_RESULT),
  };
}

/** Blocks of tools that run at the provider, and kinds that are not known: only Anthropic understands them. */
function opaque({ value }: Place): Part {
  return { kind: 'opaque', of: 'anthropic', value };
}

function extraOf(place: Place, known: ReadonlySet<string>): { readonly extra?: JsonRecord } {
  const extra = otherMembers(place, known);
  return extra === undefined ? {} : { extra };
}
