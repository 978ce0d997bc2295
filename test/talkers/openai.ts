/** OpenAI's own client, for both of its formats. */
import OpenAI from 'openai';
import { expect } from 'vitest';
import { QUESTION, TOOLS, result } from './talk.ts';
import type { Talker } from './talk.ts';

export const talkOpenai: Talker = async (gateway, model) => {
  const client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const tools = TOOLS.map(({ name, description, schema }) => ({
    type: 'function' as const,
    function: { name, description, parameters: schema },
  }));
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: QUESTION }];
  const ask = () => client.chat.completions.stream({ model, tools, messages, stream_options: { include_usage: true } });
  const first = await ask().finalChatCompletion();
  const message = first.choices[0]?.message;
  if (message === undefined) throw new Error('no message');
  expect(first.choices[0]?.finish_reason).toBe('tool_calls');
  expect(first.usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 30 });
  const calls = (message.tool_calls ?? []).filter((call) => call.type === 'function');
  messages.push({ role: 'assistant', content: message.content, tool_calls: calls });
  for (const call of calls) messages.push({ role: 'tool', tool_call_id: call.id, content: result(call.function.name) });
  const { data, response } = await client.chat.completions.create({ model, tools, messages }).withResponse();
  return {
    firstText: message.content ?? '',
    calls: calls.map((call) => ({
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments) as unknown,
    })),
    lastText: data.choices[0]?.message.content ?? '',
    requestId: response.headers.get('x-request-id') ?? '',
  };
};

export const talkResponses: Talker = async (gateway, model) => {
  const client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const tools = TOOLS.map(({ name, description, schema }) => ({
    type: 'function' as const,
    name,
    description,
    parameters: schema,
    strict: false,
  }));
  const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: QUESTION }];
  const first = await client.responses.stream({ model, tools, input, store: false }).finalResponse();
  expect(first.usage).toMatchObject({ input_tokens: 100, output_tokens: 30 });
  const calls = first.output.filter((item) => item.type === 'function_call');
  for (const item of first.output)
    if (item.type === 'function_call' || item.type === 'message' || item.type === 'reasoning') input.push(item);
  for (const call of calls)
    input.push({ type: 'function_call_output', call_id: call.call_id, output: result(call.name) });
  const { data, response } = await client.responses.create({ model, tools, input, store: false }).withResponse();
  return {
    firstText: first.output_text,
    calls: calls.map(({ name, arguments: text }) => ({ name, arguments: JSON.parse(text) as unknown })),
    lastText: data.output_text,
    requestId: response.headers.get('x-request-id') ?? '',
  };
};
