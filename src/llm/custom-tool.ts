/**
 * Tools whose input is free text, for formats that have only tools whose input is an object: the
 * text stands in one member, and comes out of it again where the answer is read.
 */
import type {
  AnswerEvent,
  ChatAnswer,
  ChatRequest,
  CustomTool,
  FunctionTool,
  Part,
  ToolCallPart,
} from './canonical.ts';
import { isRecord, parsedOrUndefined, recordOf } from './record.ts';
import type { Report } from './report.ts';

/** The member that holds the text. */
const MEMBER = 'input';

/** The tool as one that takes an object; `path` is the tool's. */
export function functionOfCustom(tool: CustomTool, path: string, report: Report): FunctionTool {
  report.approximated(path, 'the tool takes an object with its text in a member');
  const { format, custom, ...extra } = tool.extra ?? {};
  const { format: inner, ...others } = recordOf(custom);
  const rule = grammarOf(format ?? inner);
  const text = { type: 'string', ...(rule !== null && { description: rule }) };
  const left = { ...others, ...extra };
  return {
    kind: 'function',
    name: tool.name,
    description: tool.description,
    parameters: { type: 'object', properties: { [MEMBER]: text }, required: [MEMBER] },
    strict: null,
    ...(Object.keys(left).length > 0 && { extra: left }),
  };
}

/** What OpenAI holds the text to, in words: another model can only be told. Null for any text. */
function grammarOf(format: unknown): string | null {
  const rules = recordOf(format);
  // Chat Completions nests what Responses does not.
  const { syntax, definition } = { ...rules, ...recordOf(rules['grammar']) };
  if (typeof definition !== 'string') return null;
  return `Text that follows this ${typeof syntax === 'string' ? syntax : ''} grammar:\n${definition}`;
}

/** The arguments of such a call, as an object's JSON text. */
export function argumentsOfCustom(text: string): string {
  return JSON.stringify({ [MEMBER]: text });
}

/** Whether the answers to a request must be read with `customCallsToText` or `customCallEventsToText`. */
export function usesCustomTools({ tools }: ChatRequest): boolean {
  return tools.some(({ kind }) => kind === 'custom');
}

/** The answer with the calls of the request's custom tools as what they were asked for: free text. */
export function customCallsToText(answer: ChatAnswer, request: ChatRequest): ChatAnswer {
  const names = customNames(request);
  const choices = answer.choices.map((choice) => ({
    ...choice,
    parts: choice.parts.map((part) => restored(part, names)),
  }));
  return { ...answer, choices };
}

function restored(part: Part, names: ReadonlySet<string>): Part {
  return part.kind === 'tool_call' && names.has(part.name) ? customOf(part) : part;
}

function customOf(part: ToolCallPart): ToolCallPart {
  return part.custom === true ? part : { ...part, arguments: textOfArguments(part.arguments), custom: true };
}

function textOfArguments(text: string): string {
  const parsed = parsedOrUndefined(text);
  const value = isRecord(parsed) ? parsed[MEMBER] : undefined;
  // A model that did not keep to the object gave the text itself.
  return typeof value === 'string' ? value : text;
}

function customNames({ tools }: ChatRequest): ReadonlySet<string> {
  return new Set(tools.flatMap((tool) => (tool.kind === 'custom' ? [tool.name] : [])));
}

/** The same for a stream: a call of a custom tool is told when it is whole. */
export function customCallEventsToText(
  request: ChatRequest,
  onEvent: (event: AnswerEvent) => void,
): (event: AnswerEvent) => void {
  const names = customNames(request);
  /** The arguments so far, by the choice whose open part is such a call. */
  const open = new Map<number, string>();
  return (event) => {
    if (event.type === 'open' && event.start.kind === 'tool_call' && names.has(event.start.name)) {
      if (event.start.custom === true) return onEvent(event);
      open.set(event.choice, '');
      return onEvent({ ...event, start: { ...event.start, custom: true } });
    }
    const held = 'choice' in event ? open.get(event.choice) : undefined;
    if (held === undefined) return onEvent(event);
    if (event.type === 'delta') return void open.set(event.choice, held + event.text);
    if (event.type === 'close') {
      open.delete(event.choice);
      const text = textOfArguments(held);
      if (text !== '') onEvent({ type: 'delta', choice: event.choice, text });
    }
    onEvent(event);
  };
}
