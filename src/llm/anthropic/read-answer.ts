/** A whole answer of Anthropic. */
import type { ChatAnswer, Part } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf, textOf } from '../record.ts';
import { readCitations } from './citations.ts';
import { readFinish } from './finish.ts';
import { anthropicUsage } from './usage.ts';

export function readAnswer(body: JsonRecord): ChatAnswer {
  const content = body['content'];
  if (!Array.isArray(content)) throw new AnswerFault('the answer has no content');
  const parts = content.filter(isRecord).map(readAnswerBlock);
  const hasCall = parts.some(({ kind }) => kind === 'tool_call');
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    createdS: null,
    choices: [{ index: 0, parts, finish: readFinish(body, hasCall) }],
    usage: anthropicUsage(recordOf(body['usage'])),
    extra: answerExtra(body),
  };
}

/** The answer to a question for the number of input tokens. */
export function readTokenCount(body: JsonRecord): number {
  const count = countOf(body['input_tokens']);
  if (count === null) throw new AnswerFault('the answer tells no number of input tokens');
  return count;
}

/** One block, whole. */
export function readAnswerBlock(block: JsonRecord): Part {
  switch (block['type']) {
    case 'text':
      return readText(block);
    case 'thinking': {
      const value = textOf(block['signature']);
      const signature = value === '' ? null : ({ of: 'anthropic', value } as const);
      return { kind: 'thinking', text: textOf(block['thinking']), signature };
    }
    case 'redacted_thinking': {
      const signature = { of: 'anthropic', value: textOf(block['data']) } as const;
      return { kind: 'thinking', text: '', signature, redacted: true };
    }
    case 'tool_use':
      return {
        kind: 'tool_call',
        id: textOf(block['id']),
        name: textOf(block['name']),
        arguments: JSON.stringify(recordOf(block['input'])),
        ...callExtra(block),
      };
    default:
      return { kind: 'opaque', of: 'anthropic', value: block };
  }
}

function readText(block: JsonRecord): Part {
  const text = textOf(block['text']);
  const annotations = readCitations(block['citations'], text);
  return { kind: 'text', text, ...(annotations.length === 0 ? {} : { annotations }) };
}

/** Who called (a program of the model's, say), which must come back with the call. */
function callExtra(block: JsonRecord): { readonly extra?: JsonRecord } {
  const { type: _type, id: _id, name: _name, input: _input, ...extra } = block;
  return Object.keys(extra).length === 0 ? {} : { extra };
}

const EXTRA = ['container', 'context_management'] as const;

/** Members of a message that a client of Anthropic's format knows. */
export function answerExtra(message: JsonRecord): JsonRecord {
  return Object.fromEntries(EXTRA.flatMap((name) => (message[name] ? [[name, message[name]]] : [])));
}
