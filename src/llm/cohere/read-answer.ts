/** Answers of v2 chat (https://docs.cohere.com/reference/chat). */
import type { ChatAnswer, Part, TextPart } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf } from '../record.ts';
import { TextPlaces, annotationsOf, isOfText } from './citations.ts';
import { cohereFinish } from './finish.ts';
import { logprobsOf } from './logprobs.ts';
import { cohereUsage } from './usage.ts';

export function readAnswer(body: JsonRecord): ChatAnswer {
  const { message } = body;
  if (!isRecord(message)) throw new AnswerFault('the answer has no message');
  const calls = listOf(message['tool_calls']).map(toolCall);
  const content = withLogprobs(contentOf(message), logprobsOf(body['logprobs']));
  const plan = message['tool_plan'];
  const thinking: Part[] =
    typeof plan === 'string' && plan !== '' ? [{ kind: 'thinking', text: plan, signature: null }] : [];
  return {
    id: typeof body['id'] === 'string' ? body['id'] : '',
    model: '',
    createdS: null,
    choices: [
      {
        index: 0,
        parts: [...content, ...thinking, ...calls],
        finish: cohereFinish(body['finish_reason'], calls.length > 0),
      },
    ],
    usage: cohereUsage(body['usage']),
    extra: {},
  };
}

/** The arguments as Cohere tells them; a tool without any is called with none, an empty text or `null`. */
export function argumentsOf(value: unknown): string {
  if (isRecord(value)) return JSON.stringify(value);
  if (typeof value !== 'string') return '{}';
  const bare = value.trim();
  return bare === '' || bare === 'null' ? '{}' : value;
}

function listOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function toolCall({ id, function: called }: JsonRecord): Part {
  const { name, arguments: value } = recordOf(called);
  return {
    kind: 'tool_call',
    id: typeof id === 'string' ? id : '',
    name: typeof name === 'string' ? name : '',
    arguments: argumentsOf(value),
  };
}

function contentOf(message: JsonRecord): readonly Part[] {
  const { content } = message;
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
  const citations = listOf(message['citations']).filter(isOfText);
  const firstText = blocks.findIndex(({ text }) => typeof text === 'string');
  return blocks.flatMap((block, i): readonly Part[] => {
    if (typeof block['text'] === 'string') {
      const own = citations.filter(({ content_index: index }) => (countOf(index) ?? firstText) === i);
      return [citedText(block['text'], own)];
    }
    const { thinking } = block;
    return typeof thinking === 'string' ? [{ kind: 'thinking', text: thinking, signature: null }] : [];
  });
}

function citedText(text: string, citations: readonly JsonRecord[]): TextPart {
  if (citations.length === 0) return { kind: 'text', text };
  const places = new TextPlaces();
  places.append(text);
  return { kind: 'text', text, annotations: citations.flatMap((citation) => annotationsOf(citation, places)) };
}

/** They are of the whole answer: the last text carries them. */
function withLogprobs(parts: readonly Part[], logprobs: TextPart['logprobs'] & object): readonly Part[] {
  const last = parts.findLastIndex(({ kind }) => kind === 'text');
  if (logprobs.length === 0 || last < 0) return parts;
  return parts.map((part, i) => (i === last && part.kind === 'text' ? { ...part, logprobs } : part));
}
