/**
 * Structured output for models that keep to a schema only in a tool's input: the model has to call
 * a tool of ours whose input is the schema, and the call's arguments become the text of the answer.
 */
import type { AnswerEvent, ChatAnswer, ChatRequest, Choice, Finish, FunctionTool, Part } from './canonical.ts';
import type { ModelTraits } from './model-traits.ts';
import type { JsonRecord } from './record.ts';

/** The name of the tool; callers are not expected to have one of this name. */
export const JSON_TOOL = 'keyward_json';

/**
 * Whether a request for this model is written with the tool, so that its answer must be read with
 * `jsonToolToText` or `jsonToolEventsToText`. Where nothing is known of the model, a caller of
 * `native` (the dialect it is written to) knows that it takes a schema.
 */
export function usesJsonTool(
  { format, extraOf }: ChatRequest,
  { structuredOutput }: ModelTraits,
  native: ChatRequest['extraOf'] = 'anthropic',
): boolean {
  if (format?.kind !== 'json_schema' || structuredOutput === true) return false;
  if (structuredOutput === null && extraOf === native) return false;
  return isObjectSchema(format.schema);
}

/** Whether the schema is one of an object: a tool's input can be nothing else. */
export function isObjectSchema(schema: JsonRecord): boolean {
  return schema['type'] === 'object' || (schema['type'] === undefined && Object.hasOwn(schema, 'properties'));
}

/** The tool that the request's schema makes; null where `usesJsonTool` says no. */
export function jsonTool(
  request: ChatRequest,
  traits: ModelTraits,
  native: ChatRequest['extraOf'] = 'anthropic',
): FunctionTool | null {
  const { format } = request;
  if (format?.kind !== 'json_schema' || !usesJsonTool(request, traits, native)) return null;
  return {
    kind: 'function',
    name: JSON_TOOL,
    description: format.description ?? 'Give the final answer in this form.',
    parameters: format.schema,
    strict: null,
  };
}

/** The answer with the call of the tool turned back into text. */
export function jsonToolToText(answer: ChatAnswer): ChatAnswer {
  return { ...answer, choices: answer.choices.map(choiceToText) };
}

function choiceToText(choice: Choice): Choice {
  if (!choice.parts.some(isJsonCall)) return choice;
  // What the model says besides would make the text something else than JSON.
  const kept = choice.parts.filter((part) => part.kind !== 'text');
  const parts = kept.map((part): Part => (isJsonCall(part) ? { kind: 'text', text: part.arguments } : part));
  const waits = parts.some((part) => part.kind === 'tool_call');
  return { ...choice, parts, finish: finishOf(choice.finish, waits) };
}

function isJsonCall(part: Part): part is Extract<Part, { kind: 'tool_call' }> {
  return part.kind === 'tool_call' && part.name === JSON_TOOL;
}

/** The answer does not wait for our own tool. */
function finishOf(finish: Finish, waits: boolean): Finish {
  return finish.reason === 'tool_calls' && !waits ? { ...finish, reason: 'stop' } : finish;
}

/** The same for a stream: gives the events to be used instead of those that come in. */
export function jsonToolEventsToText(onEvent: (event: AnswerEvent) => void): (event: AnswerEvent) => void {
  const choices = new Map<number, ChoiceRewriter>();
  return (event) => {
    if (!('choice' in event)) return onEvent(event);
    const rewriter = choices.get(event.choice) ?? new ChoiceRewriter(onEvent);
    choices.set(event.choice, rewriter);
    rewriter.take(event);
  };
}

type ChoiceEvent = Extract<AnswerEvent, { choice: number }>;

/** Text is held back until it is certain that no call of the tool follows it: the call takes its place. */
class ChoiceRewriter {
  readonly #onEvent: (event: AnswerEvent) => void;
  #held: ChoiceEvent[] = [];
  #openKind: 'text' | 'json' | 'other' = 'other';
  #next = 0;
  #hasJson = false;
  #waits = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
  }

  take(event: ChoiceEvent): void {
    if (event.type === 'open') return this.#open(event);
    if (event.type === 'finish') {
      this.#release();
      return this.#onEvent({ ...event, finish: this.#hasJson ? finishOf(event.finish, this.#waits) : event.finish });
    }
    if (this.#openKind === 'text') this.#hold(event);
    else if (this.#openKind === 'other' || event.type !== 'signature') this.#onEvent(event);
  }

  #open(event: Extract<ChoiceEvent, { type: 'open' }>): void {
    const { start } = event;
    if (start.kind === 'text') {
      this.#openKind = 'text';
      return this.#hold(event);
    }
    if (start.kind === 'tool_call' && start.name === JSON_TOOL) {
      this.#held = [];
      this.#hasJson = true;
      this.#openKind = 'json';
      return this.#pass({ ...event, start: { kind: 'text' } });
    }
    this.#release();
    this.#openKind = 'other';
    if (start.kind === 'tool_call') this.#waits = true;
    this.#pass(event);
  }

  #hold(event: ChoiceEvent): void {
    if (!this.#hasJson) this.#held.push(event);
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#pass(event);
  }

  /** Parts are numbered anew: some were left out. */
  #pass(event: ChoiceEvent): void {
    this.#onEvent(event.type === 'open' ? { ...event, part: this.#next++ } : event);
  }
}
