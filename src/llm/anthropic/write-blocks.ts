/** The blocks of a request's messages. */
import { fitCallId } from '../call-ids.ts';
import type { ChatRequest, Part, TextPart, ThinkingPart, ToolCallPart, ToolResultPart } from '../canonical.ts';
import { argumentsOfCustom } from '../custom-tool.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined } from '../record.ts';
import type { Report } from '../report.ts';
import { citationForProvider } from './citations.ts';
import { writeMedia } from './write-media.ts';
import { cacheMember, extraMembers } from './write-members.ts';

/** What the blocks of one request are written with. */
export interface BlockContext {
  readonly request: ChatRequest;
  readonly report: Report;
}

/** The block of a part, or none where it does not go; `path` is the part's. */
export function writeBlock(part: Part, path: string, context: BlockContext): readonly JsonRecord[] {
  const { request, report } = context;
  const common = (): JsonRecord => ({
    ...extraMembers(part.extra, path, request, report),
    ...cacheMember(part.cache),
  });
  switch (part.kind) {
    case 'text':
      return writeText(part, path, context);
    case 'refusal':
      if (part.text.trim() === '') return [];
      report.approximated(path, 'a refusal goes as text');
      return [{ type: 'text', text: part.text, ...common() }];
    case 'thinking':
      return writeThinking(part, path, report);
    case 'tool_call':
      return [{ ...writeCall(part, path, report), ...common() }];
    case 'tool_result':
      return [{ ...writeResult(part, path, context), ...common() }];
    case 'opaque':
      if (part.of === 'anthropic') return [part.value];
      report.dropped(path, 'only another provider understands it');
      return [];
    default:
      return [{ ...writeMedia(part, path, report), ...common() }];
  }
}

/** The API refuses blocks without a visible character. */
function writeText(part: TextPart, path: string, { request, report }: BlockContext): readonly JsonRecord[] {
  if (part.text.trim() === '') {
    if (part.cache !== undefined) report.dropped(`${path}.cache_control`, 'an empty text is not sent');
    return [];
  }
  const annotations = part.annotations ?? [];
  const citations = annotations.flatMap((annotation) => citationForProvider(annotation) ?? []);
  if (citations.length < annotations.length)
    report.dropped(`${path}.annotations`, 'the provider takes back only its own citations');
  return [
    {
      ...extraMembers(part.extra, path, request, report),
      type: 'text',
      text: part.text,
      ...(citations.length === 0 ? {} : { citations }),
      ...cacheMember(part.cache),
    },
  ];
}

/** Thinking goes back as it came, with its signature; what Claude has not signed is refused. */
function writeThinking(part: ThinkingPart, path: string, report: Report): readonly JsonRecord[] {
  const { signature, text } = part;
  if (signature === null || signature.of !== 'anthropic') {
    report.dropped(path, 'the provider takes only reasoning that it has signed itself');
    return [];
  }
  if (part.cache !== undefined) report.dropped(`${path}.cache_control`, 'reasoning cannot be marked for the cache');
  if (part.redacted === true) return [{ type: 'redacted_thinking', data: signature.value }];
  return [{ type: 'thinking', thinking: text, signature: signature.value }];
}

function writeCall(part: ToolCallPart, path: string, report: Report): JsonRecord {
  const input = inputOf(part);
  if (!isRecord(parsedOrUndefined(part.arguments)) && part.custom !== true)
    report.approximated(`${path}.arguments`, 'arguments that are not a JSON object go as text in a member');
  return { type: 'tool_use', id: providerCallId(part.id), name: part.name, input };
}

/** The input of a call as an object: free text, and what is no JSON object, in a member. */
export function inputOf(part: Pick<ToolCallPart, 'arguments' | 'custom'>): JsonRecord {
  const parsed = parsedOrUndefined(part.custom === true ? argumentsOfCustom(part.arguments) : part.arguments);
  if (isRecord(parsed)) return parsed;
  return part.arguments.trim() === '' ? {} : { invalid_json: part.arguments };
}

function writeResult(part: ToolResultPart, path: string, context: BlockContext): JsonRecord {
  const content = part.parts.flatMap((inner, index) => writeInner(inner, `${path}.content[${index}]`, context));
  const [only] = content;
  const isPlain = content.length === 1 && only !== undefined && Object.keys(only).length === 2;
  const text = isPlain && only['type'] === 'text' ? only['text'] : undefined;
  return {
    type: 'tool_result',
    tool_use_id: providerCallId(part.callId),
    ...(content.length === 0 ? {} : { content: text ?? content }),
    ...(part.isError ? { is_error: true } : {}),
  };
}

function writeInner(part: Part, path: string, context: BlockContext): readonly JsonRecord[] {
  if (part.kind === 'thinking' || part.kind === 'tool_call' || part.kind === 'tool_result')
    throw new RequestFault(path, 'A tool result holds text, images and documents.');
  return writeBlock(part, path, context);
}

/** The API takes letters, digits, `_` and `-`. */
function providerCallId(id: string): string {
  return fitCallId(id, /^[\w-]{1,64}$/, 'toolu_', 30);
}
