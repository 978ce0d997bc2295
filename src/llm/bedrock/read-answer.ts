/** Answers of Converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). */
import type { ChatAnswer, Part } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf, textOf } from '../record.ts';
import { annotationOf } from './citations.ts';
import { bedrockFinish } from './finish.ts';
import { bedrockUsage } from './usage.ts';

export function readAnswer(body: JsonRecord): ChatAnswer {
  const message = recordOf(body['output'])['message'];
  if (!isRecord(message)) throw new AnswerFault('the answer has no output.message');
  const blocks = Array.isArray(message['content']) ? message['content'].filter(isRecord) : [];
  const parts = blocks.flatMap(partsOf);
  const hasCalls = parts.some((part) => part.kind === 'tool_call');
  return {
    // Bedrock names the request in a header, and the model nowhere.
    id: '',
    model: '',
    createdS: null,
    choices: [
      { index: 0, parts, finish: bedrockFinish(body['stopReason'], body['additionalModelResponseFields'], hasCalls) },
    ],
    usage: bedrockUsage(body['usage']),
    extra: {},
  };
}

export function readTokenCount(body: JsonRecord): number {
  const count = countOf(body['inputTokens']);
  if (count === null) throw new AnswerFault('the answer has no inputTokens');
  return count;
}

function partsOf(block: JsonRecord): readonly Part[] {
  if (typeof block['text'] === 'string') return [{ kind: 'text', text: block['text'] }];
  if (isRecord(block['toolUse'])) return [toolCall(block['toolUse'], block)];
  if (isRecord(block['reasoningContent'])) return thinking(block['reasoningContent']);
  if (isRecord(block['citationsContent'])) return [citedText(block['citationsContent'])];
  if (isRecord(block['image'])) return image(block['image'], block);
  return [{ kind: 'opaque', of: 'bedrock', value: block }];
}

function toolCall(call: JsonRecord, block: JsonRecord): Part {
  const { toolUseId, name, input, type } = call;
  // AWS ran it itself: nobody waits for a result.
  if (type === 'server_tool_use') return { kind: 'opaque', of: 'bedrock', value: block };
  return {
    kind: 'tool_call',
    id: typeof toolUseId === 'string' ? toolUseId : '',
    name: typeof name === 'string' ? name : '',
    arguments: JSON.stringify(input ?? {}),
  };
}

function thinking(reasoning: JsonRecord): readonly Part[] {
  const redacted = reasoning['redactedContent'];
  if (typeof redacted === 'string')
    return [{ kind: 'thinking', text: '', signature: { of: 'anthropic', value: redacted }, redacted: true }];
  const { text, signature } = recordOf(reasoning['reasoningText']);
  if (typeof text !== 'string' && typeof signature !== 'string') return [];
  return [
    {
      kind: 'thinking',
      text: typeof text === 'string' ? text : '',
      signature: typeof signature === 'string' ? { of: 'anthropic', value: signature } : null,
    },
  ];
}

function citedText(cited: JsonRecord): Part {
  const pieces = Array.isArray(cited['content']) ? cited['content'] : [];
  const citations = Array.isArray(cited['citations']) ? cited['citations'].filter(isRecord) : [];
  const text = pieces.map((piece) => textOf(recordOf(piece)['text'])).join('');
  return { kind: 'text', text, annotations: citations.map((citation) => annotationOf(citation, text)) };
}

function image(value: JsonRecord, block: JsonRecord): readonly Part[] {
  const data = recordOf(value['source'])['bytes'];
  const { format } = value;
  if (typeof data !== 'string' || typeof format !== 'string') return [{ kind: 'opaque', of: 'bedrock', value: block }];
  return [{ kind: 'image', source: { kind: 'base64', data }, mediaType: `image/${format}` }];
}
