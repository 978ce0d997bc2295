import Anthropic from '@anthropic-ai/sdk';
import { expect } from 'vitest';
import { QUESTION, TOOLS, result } from './talk.ts';
import type { Talker } from './talk.ts';

/** Anthropic's own client. */
export const talkAnthropic: Talker = async (gateway, model) => {
  const client = new Anthropic({ apiKey: gateway.key, baseURL: gateway.url, maxRetries: 0 });
  const tools = TOOLS.map(({ name, description, schema }) => ({
    name,
    description,
    input_schema: { ...schema, type: 'object' as const },
  }));
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: QUESTION }];
  const common = { model, max_tokens: 4_096, tools, messages };
  const first = await client.messages.stream(common).finalMessage();
  expect(first.stop_reason).toBe('tool_use');
  expect(first.usage).toMatchObject({ input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 30 });
  const calls = first.content.filter((block) => block.type === 'tool_use');
  messages.push({ role: 'assistant', content: first.content });
  messages.push({
    role: 'user',
    content: calls.map(({ id, name }) => ({ type: 'tool_result', tool_use_id: id, content: result(name) })),
  });
  const { data, response } = await client.messages.create(common).withResponse();
  const textOf = (content: readonly Anthropic.ContentBlock[]) =>
    content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  return {
    firstText: textOf(first.content),
    calls: calls.map(({ name, input }) => ({ name, arguments: input })),
    lastText: textOf(data.content),
    requestId: response.headers.get('x-request-id') ?? '',
  };
};
