/** Turns as items of `input`, as OpenAI takes them. */
import type { ChatRequest, Part, ThinkingPart, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { fitCallId } from '../call-ids.ts';
import { ownExtra } from '../own-extra.ts';
import { recordOf, type JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { partField, turnField } from '../turn-path.ts';
import { summaryOf } from './reasoning.ts';
import { writeInputPart, writeOutputPart, type Writing } from './write-content.ts';

/** `call_id` may have 64 characters. */
const CALL_ID = /^[\w-]{1,64}$/;

/** The turns from this one on. */
export function writeInput(request: ChatRequest, from: number, report: Report): readonly JsonRecord[] {
  const isOwn = request.extraOf === 'openai-responses';
  const writing: Writing = { request, isOwn, customCalls: isOwn ? new Set<string>() : customCallsOf(request), report };
  return request.turns.slice(from).flatMap((turn, index) => writeTurn(turn, turnField(request, from + index), writing));
}

function customCallsOf({ turns }: ChatRequest): ReadonlySet<string> {
  const calls = turns.flatMap(({ parts }) => parts.filter((part) => part.kind === 'tool_call'));
  return new Set(calls.filter(({ custom }) => custom === true).map(({ id }) => id));
}

function writeTurn(turn: Turn, path: string, writing: Writing): readonly JsonRecord[] {
  if (turn.name !== undefined) writing.report.dropped(`${path}.name`, 'OpenAI Responses has no names of participants');
  itemMembers(turn, path, writing);
  const items = new Items(turn, writing.isOwn);
  for (const [index, part] of turn.parts.entries())
    writePart(part, partField(writing.request, path, index), items, turn, writing);
  if (turn.parts.length === 0 && writing.isOwn) items.empty();
  return items.all();
}

/** Neighbouring content is one message; whatever else is an item of its own. */
class Items {
  readonly #turn: Turn;
  readonly #isOwn: boolean;
  readonly #items: JsonRecord[] = [];
  #content: JsonRecord[] | null = null;
  #extra: JsonRecord;

  constructor(turn: Turn, isOwn: boolean) {
    this.#turn = turn;
    this.#isOwn = isOwn;
    this.#extra = isOwn ? (turn.extra ?? {}) : {};
  }

  /** `part` begins a message of its own where it says what the message has beside its content. */
  content(written: JsonRecord, part: Part): void {
    const message = this.#isOwn ? part.extra?.['message'] : undefined;
    if (this.#content === null || message !== undefined) {
      this.#content = [];
      this.#items.push({
        ...this.#extra,
        ...recordOf(message),
        type: 'message',
        role: this.#turn.role,
        content: this.#content,
      });
      this.#extra = {};
    }
    this.#content.push(written);
  }

  item(item: JsonRecord): void {
    this.#content = null;
    this.#items.push(item);
  }

  empty(): void {
    this.#items.push({ ...this.#extra, type: 'message', role: this.#turn.role, content: [] });
  }

  all(): readonly JsonRecord[] {
    return this.#items;
  }
}

function writePart(part: Part, path: string, items: Items, { role }: Turn, writing: Writing): void {
  const { report } = writing;
  switch (part.kind) {
    case 'tool_call':
      return items.item(writeCall(part, path, writing));
    case 'tool_result':
      return items.item(writeResult(part, path, writing));
    case 'thinking': {
      const item = writeThinking(part, path, writing);
      return item === null ? undefined : items.item(item);
    }
    case 'opaque':
      if (part.of === 'openai-responses') return items.item(part.value);
      return report.dropped(path, 'only the provider that made it understands it');
    default: {
      const written = role === 'assistant' ? writeOutputPart(part, path, writing) : writeInputPart(part, path, writing);
      if (written !== null) items.content(written, part);
    }
  }
}

function writeCall(part: ToolCallPart, path: string, writing: Writing): JsonRecord {
  const call = { call_id: callId(part.id), name: part.name };
  return part.custom
    ? { ...itemMembers(part, path, writing), type: 'custom_tool_call', ...call, input: part.arguments }
    : { ...itemMembers(part, path, writing), type: 'function_call', ...call, arguments: part.arguments };
}

function writeResult(part: ToolResultPart, path: string, writing: Writing): JsonRecord {
  if (part.isError)
    writing.report.approximated(`${path}.is_error`, 'the provider tells no failures apart: the result says it');
  return {
    ...itemMembers(part, path, writing),
    // The chat dialect does not say of a result what kind of call it answers.
    type:
      part.custom === true || writing.customCalls.has(part.callId) ? 'custom_tool_call_output' : 'function_call_output',
    call_id: callId(part.callId),
    output: writeOutput(part, path, writing),
  };
}

function writeOutput({ parts }: ToolResultPart, path: string, writing: Writing): unknown {
  const [only] = parts;
  if (only === undefined) return '';
  if (parts.length === 1 && only.kind === 'text' && only.cache === undefined && only.extra === undefined)
    return only.text;
  return parts
    .map((part, index) => writeInputPart(part, `${path}.content[${index}]`, writing))
    .filter((part) => part !== null);
}

/** OpenAI takes back its own reasoning: proven, or (from a caller of this dialect) known by its id or as it is. */
function writeThinking(part: ThinkingPart, path: string, writing: Writing): JsonRecord | null {
  const { signature, extra } = part;
  const isTaken = signature === null ? writing.isOwn && extra !== undefined : signature.of === 'openai-responses';
  if (!isTaken) {
    writing.report.dropped(path, "another model's reasoning is not taken back by OpenAI");
    return null;
  }
  return {
    ...itemMembers(part, path, writing),
    type: 'reasoning',
    ...summaryOf(part),
    ...(signature !== null && { encrypted_content: signature.value }),
  };
}

function itemMembers({ extra }: Part | Turn, path: string, { request, report }: Writing): JsonRecord {
  return ownExtra(extra, path, { extraOf: request.extraOf, dialect: 'openai-responses', report });
}

function callId(id: string): string {
  return fitCallId(id, CALL_ID, 'call_', 29);
}
