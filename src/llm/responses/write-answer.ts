/** A whole answer, as a client receives it. */
import type { ChatAnswer, Choice, Part, ToolCallPart } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import { otherMembers, recordOf, type JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { writeFinish } from './finish.ts';
import { makeItemId } from './item-ids.ts';
import {
  callItem,
  contentItem,
  itemIdOf,
  messageItem,
  reasoningItem,
  wholeItem,
  writeAnnotations,
} from './output-items.ts';
import { reportChoices, reportLost, reportPause, reportSignature, reportSource } from './reports.ts';
import { responseObject, settingsOf } from './response-object.ts';

const NO_CHOICE: Choice = { index: 0, parts: [], finish: { reason: 'stop' } };
const WRITTEN = new Set(['id', 'status']);
const OWN_ITEMS: ReadonlySet<unknown> = new Set(['message', 'function_call', 'custom_tool_call']);

export function writeAnswer(answer: ChatAnswer, context: AnswerContext, report: Report): JsonRecord {
  const [choice = NO_CHOICE, ...rest] = answer.choices;
  if (rest.length > 0) reportChoices(report);
  reportPause(choice.finish, report);
  const ending = writeFinish(choice.finish, choice.parts);
  const output = new Output(context.requestId, report);
  for (const part of choice.parts) output.add(part);
  if (ending.status !== 'completed') output.cut();
  return responseObject(context, settingsOf(context.request), {
    answer,
    ending,
    output: output.items,
    usage: answer.usage,
  });
}

/** Gathers neighbouring texts and refusals into one message. */
class Output {
  readonly items: JsonRecord[] = [];
  readonly #requestId: string;
  readonly #report: Report;
  #content: JsonRecord[] | null = null;

  constructor(requestId: string, report: Report) {
    this.#requestId = requestId;
    this.#report = report;
  }

  add(part: Part): void {
    const index = this.items.length;
    switch (part.kind) {
      case 'text':
      case 'refusal':
        return this.#addContent(part);
      case 'thinking':
        return this.#addItem(reasoningItem(itemIdOf(part, 'rs', this.#requestId, index), part));
      case 'tool_call':
        return this.#addItem({ ...otherMembers(ownExtra(part), WRITTEN), ...callOf(part, this.#requestId, index) });
      case 'tool_result':
        return this.#report.dropped('output', 'OpenAI Responses has no tool results in answers');
      default: {
        const item = wholeItem(part, (prefix) => makeItemId(prefix, this.#requestId, index));
        if (item === null) return reportLost(part.kind, this.#report);
        this.#addItem(item);
      }
    }
  }

  #addContent(part: Part & { kind: 'text' | 'refusal' }): void {
    this.#reportLost(part);
    const message = recordOf(part.extra?.['message']);
    if (this.#content === null || part.extra?.['message'] !== undefined) {
      this.#content = [];
      const id =
        typeof message['id'] === 'string' ? message['id'] : makeItemId('msg', this.#requestId, this.items.length);
      this.items.push({ ...otherMembers(message, WRITTEN), ...messageItem(id, this.#content, 'completed') });
    }
    this.#content.push(contentItem(part));
  }

  /** What was cut short was cut in the last item, if that is the model's own. */
  cut(): void {
    const last = this.items.at(-1);
    if (last === undefined || !OWN_ITEMS.has(last['type'])) return;
    this.items.splice(-1, 1, { ...last, status: 'incomplete' });
  }

  #addItem(item: JsonRecord): void {
    this.#content = null;
    this.items.push(item);
  }

  #reportLost(part: Part & { kind: 'text' | 'refusal' }): void {
    if (part.kind !== 'text') return;
    const { annotations = [], signature } = part;
    if (writeAnnotations(annotations).length < annotations.length) reportSource(this.#report);
    if (signature !== undefined) reportSignature(this.#report);
  }
}

function callOf(part: ToolCallPart, requestId: string, index: number): JsonRecord {
  const custom = part.custom ?? false;
  return callItem(
    {
      id: itemIdOf(part, custom ? 'ctc' : 'fc', requestId, index),
      callId: part.id,
      signature: part.signature,
      name: part.name,
      custom,
      input: part.arguments,
    },
    'completed',
  );
}

/** Members of a call that OpenAI itself gave it (its id proves that): `namespace`, `caller`. */
function ownExtra({ extra }: ToolCallPart): JsonRecord {
  const id = extra?.['id'];
  return extra !== undefined && typeof id === 'string' && /^(?:fc|ctc)_/.test(id) ? extra : {};
}
