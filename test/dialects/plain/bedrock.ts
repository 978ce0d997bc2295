import type { Ending, Json, PlainFormat } from './gist.ts';
import { count, gist, list, parsed, record, word } from './gist.ts';

const BEDROCK_ENDINGS: Readonly<Record<string, Ending>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
  guardrail_intervened: 'blocked',
  content_filtered: 'blocked',
};

export const bedrock: PlainFormat = {
  whole: (body) => {
    const blocks = list(record(record(body['output'])['message'])['content']).map(record);
    const usage = record(body['usage']);
    const cached = count(usage['cacheReadInputTokens']);
    const cacheWrite = count(usage['cacheWriteInputTokens']);
    return gist({
      text: blocks.map(({ text }) => word(text)).join(''),
      reasoning: blocks
        .map(({ reasoningContent }) => word(record(record(reasoningContent)['reasoningText'])['text']))
        .join(''),
      calls: blocks.flatMap(({ toolUse }) =>
        toolUse === undefined ? [] : [{ name: word(record(toolUse)['name']), arguments: record(toolUse)['input'] }],
      ),
      ending: BEDROCK_ENDINGS[word(body['stopReason'])],
      usage: {
        input: count(usage['inputTokens']) + cached + cacheWrite,
        cached,
        cacheWrite,
        output: count(usage['outputTokens']),
        reasoning: 0,
      },
    });
  },
  fold: (events) => {
    const blocks = new Map<unknown, { text: string; reasoning: string; json: string; toolUse: Json | undefined }>();
    for (const event of events) {
      const { contentBlockIndex, start, delta } = record(event['contentBlockStart'] ?? event['contentBlockDelta']);
      const block = blocks.get(contentBlockIndex) ?? { text: '', reasoning: '', json: '', toolUse: undefined };
      blocks.set(contentBlockIndex, block);
      if (record(start)['toolUse'] !== undefined) block.toolUse = record(record(start)['toolUse']);
      block.text += word(record(delta)['text']);
      block.reasoning += word(record(record(delta)['reasoningContent'])['text']);
      block.json += word(record(record(delta)['toolUse'])['input']);
    }
    const content = [...blocks.values()].map(({ text, reasoning, json, toolUse }) =>
      toolUse === undefined
        ? { text, reasoningContent: { reasoningText: { text: reasoning } } }
        : { toolUse: { ...toolUse, input: parsed(json) } },
    );
    const metadata = events.find((event) => event['metadata'] !== undefined)?.['metadata'];
    const stop = events.find((event) => event['messageStop'] !== undefined)?.['messageStop'];
    return { output: { message: { content } }, usage: record(metadata)['usage'], ...record(stop) };
  },
};
