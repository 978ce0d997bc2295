/** A whole answer of a provider of this dialect. */
import type { Annotation, ChatAnswer, Choice, Part, TokenLogprob, ToolCallPart } from '../canonical.ts';
import type { DialectName } from '../dialect.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, otherMembers, recordOf, textOf } from '../record.ts';
import { movedBack, readAnnotations, readReferences, readSources } from './annotations.ts';
import { argumentsOf, messageOf, readAudio, readImages, readPieces } from './answer-content.ts';
import { openaiUsage } from './dialect.ts';
import { readFinish } from './finish.ts';
import { readLogprobs } from './logprobs.ts';
import { readThinkingParts } from './reasoning-details.ts';
import { readStreamError } from './stream-error.ts';
import { ThinkTags } from '../think-tags.ts';

const KNOWN = new Set(['id', 'object', 'created', 'model', 'choices', 'usage']);

export function readAnswer(body: JsonRecord, dialect: DialectName): ChatAnswer {
  if (!isRecord(body)) throw new AnswerFault('the answer is not an object');
  const choices = body['choices'];
  if (!Array.isArray(choices)) throw new AnswerFault(whyNoChoices(body));
  const sources = readSources(body, dialect);
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    createdS: countOf(body['created']),
    choices: choices.filter(isRecord).map((choice, at) => readChoice(choice, at, sources, dialect)),
    usage: openaiUsage(body['usage']) ?? openaiUsage(recordOf(body['x_groq'])['usage']),
    extra: answerExtra(body),
  };
}

function whyNoChoices(body: JsonRecord): string {
  const error = readStreamError(body);
  return error === null ? 'the answer has no choices' : `the answer is an error: ${error.message}`;
}

/** Members of a whole answer or a chunk that only this dialect knows. */
export function answerExtra(body: JsonRecord): JsonRecord {
  return otherMembers(body, KNOWN);
}

function readChoice(choice: JsonRecord, at: number, sources: readonly Annotation[], dialect: DialectName): Choice {
  const message = messageOf(choice);
  const calls = [...readCalls(message['tool_calls']), ...readFunctionCall(message['function_call'])];
  const refusal = textOf(message['refusal']);
  const thinking = readThinkingParts(message);
  const tags = new ThinkTags();
  // What follows reasoning is not the start of the message.
  if (thinking.length > 0) tags.end();
  const spoken = readSpoken(choice, message, { tags, sources, dialect });
  const parts: readonly Part[] = [
    ...thinking,
    ...spoken,
    ...(refusal === '' ? [] : [{ kind: 'refusal', text: refusal } as const]),
    ...readAudio(message['audio']),
    ...readImages(message['images']),
    ...calls,
  ];
  const raw = choice['finish_reason'];
  return {
    index: countOf(choice['index']) ?? at,
    parts,
    finish: readFinish(typeof raw === 'string' ? raw : null, {
      hasCall: calls.length > 0,
      hasRefusal: parts.some((part) => part.kind === 'refusal'),
    }),
  };
}

interface SpokenFacts {
  readonly tags: ThinkTags;
  readonly sources: readonly Annotation[];
  readonly dialect: DialectName;
}

/** Neighbouring pieces of one kind are one part; the last text carries what is told of all text. */
function readSpoken(choice: JsonRecord, message: JsonRecord, { tags, sources, dialect }: SpokenFacts): readonly Part[] {
  const parts: Part[] = [];
  for (const { kind, text } of [...tags.read(readPieces(message['content'])), ...tags.end()]) {
    const last = parts.at(-1);
    if (last?.kind === 'text' && kind === 'text') parts[parts.length - 1] = { ...last, text: last.text + text };
    else if (last?.kind === 'thinking' && kind === 'thinking')
      parts[parts.length - 1] = { ...last, text: last.text + text };
    else parts.push(kind === 'thinking' ? { kind, text, signature: null } : { kind, text });
  }
  const at = parts.findLastIndex((part) => part.kind === 'text');
  const told = parts[at];
  if (told?.kind !== 'text') return parts;
  const own = [
    ...movedBack(readAnnotations(message['annotations'], dialect), tags.removed),
    ...readReferences(message['content'], dialect),
  ];
  const annotations = own.length > 0 ? own : sources;
  const logprobs = behind(tags.removed, readLogprobs(choice['logprobs']));
  parts[at] = { ...told, ...(annotations.length > 0 && { annotations }), ...(logprobs.length > 0 && { logprobs }) };
  return parts;
}

function behind(chars: number, logprobs: readonly TokenLogprob[]): readonly TokenLogprob[] {
  if (chars === 0) return logprobs;
  let seen = 0;
  return logprobs.filter(({ token }) => (seen += token.length) > chars);
}

function readCalls(value: unknown): readonly ToolCallPart[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).flatMap((call): readonly ToolCallPart[] => {
    const id = textOf(call['id']);
    if (isRecord(call['custom'])) {
      const { name, input } = call['custom'];
      return [{ kind: 'tool_call', id, name: textOf(name), arguments: textOf(input), custom: true }];
    }
    if (!isRecord(call['function'])) return [];
    return [{ kind: 'tool_call', id, ...readCalled(call['function']) }];
  });
}

function readFunctionCall(value: unknown): readonly ToolCallPart[] {
  return isRecord(value) ? [{ kind: 'tool_call', id: '', ...readCalled(value) }] : [];
}

function readCalled(called: JsonRecord): Pick<ToolCallPart, 'name' | 'arguments'> {
  return { name: textOf(called['name']), arguments: argumentsOf(called['arguments']).trim() || '{}' };
}
