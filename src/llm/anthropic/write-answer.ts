/** A whole answer for a client of Anthropic's format. */
import { packCallId } from '../call-ids.ts';
import type { ChatAnswer, Finish, Part, TextPart, ThinkingPart, ToolCallPart } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { sealSignature } from '../signature.ts';
import { citationForClient } from './citations.ts';
import { finishMembers, isApproximated } from './finish.ts';
import { answerExtra } from './read-answer.ts';
import { usageMember } from './usage.ts';
import { inputOf } from './write-blocks.ts';

export function writeAnswer(answer: ChatAnswer, context: AnswerContext, report: Report): JsonRecord {
  const [choice] = answer.choices;
  if (answer.choices.length > 1) reportChoices(report);
  const finish = choice?.finish ?? { reason: 'stop' };
  reportFinish(finish, report);
  return {
    ...answerExtra(answer.extra),
    ...messageHead(answer.id, context),
    content: (choice?.parts ?? []).flatMap((part, index) => writePart(part, `content[${index}]`, report)),
    ...finishMembers(finish),
    usage: usageMember(answer.usage, context),
  };
}

export function reportChoices(report: Report): void {
  report.dropped('choices', 'the format has one answer');
}

export function reportFinish(finish: Finish, report: Report): void {
  if (isApproximated(finish)) report.approximated('stop_reason', `the format has no word for ${finish.reason}`);
}

export function reportLogprobs(path: string, report: Report): void {
  report.dropped(`${path}.logprobs`, 'the format has no place for them');
}

export function reportRefusal(path: string, report: Report): void {
  report.approximated(path, 'a refusal goes as text');
}

/** A part of which nothing goes on. */
export function reportLost(kind: Part['kind'], path: string, report: Report): void {
  const isForeign = kind === 'opaque';
  report.dropped(
    path,
    isForeign ? 'only a client of another format understands it' : `the format has no place for ${kind} in an answer`,
  );
}

/** The members that a message begins with. */
export function messageHead(id: string, { requestId, model }: AnswerContext): JsonRecord {
  return { id: id === '' ? `msg_${requestId}` : id, type: 'message', role: 'assistant', model };
}

function writePart(part: Part, path: string, report: Report): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return textBlock(part, path, report);
    case 'refusal':
      reportRefusal(path, report);
      return [{ type: 'text', text: part.text }];
    case 'thinking':
      return [thinkingBlock(part)];
    case 'tool_call':
      return [callBlock(part, path, report)];
    case 'opaque':
      if (part.of === 'anthropic') return [part.value];
      reportLost(part.kind, path, report);
      return [];
    default:
      reportLost(part.kind, path, report);
      return [];
  }
}

/** An empty block would come back with the next request, where the API refuses it. */
function textBlock(
  { text, annotations = [], logprobs }: TextPart,
  path: string,
  report: Report,
): readonly JsonRecord[] {
  if (text === '') return [];
  const citations = annotations.flatMap((annotation) => citationForClient(annotation, text, path, report) ?? []);
  if (logprobs !== undefined) reportLogprobs(path, report);
  return [{ type: 'text', text, ...(citations.length === 0 ? {} : { citations }) }];
}

const CALL_EXTRA = ['caller', 'toolset_name'] as const;

function callBlock(part: ToolCallPart, path: string, report: Report): JsonRecord {
  const { extra, id, signature, name } = part;
  const input = inputOf(part);
  if (input['invalid_json'] === part.arguments)
    report.approximated(`${path}.input`, 'arguments that are not a JSON object go as text in a member');
  const known: JsonRecord = Object.fromEntries(
    CALL_EXTRA.flatMap((member) => (extra?.[member] === undefined ? [] : [[member, extra[member]]])),
  );
  return { type: 'tool_use', id: packCallId(id, signature), name, input, ...known };
}

function thinkingBlock({ signature, redacted, text }: ThinkingPart): JsonRecord {
  const sealed = signature === null ? '' : sealSignature(signature, 'anthropic');
  return redacted === true
    ? { type: 'redacted_thinking', data: sealed }
    : { type: 'thinking', thinking: text, signature: sealed };
}
