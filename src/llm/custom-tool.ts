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
import { isRecord, parsedOrUndefined } from './record.ts';

/** The member that holds the text. */
const MEMBER = 'input';

/** The tool as one that takes an object. */
export function functionOfCustom({ kind: _kind, ...tool }: CustomTool): FunctionTool {
  const parameters = { type: 'object', properties: { [MEMBER]: { type: 'string' } }, required: [MEMBER] };
  return { kind: 'function', ...tool, parameters, strict: null };
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
