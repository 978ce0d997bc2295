/** The AI SDK, with its provider packages pointed at the gateway. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, streamText, tool } from 'ai';
import type { LanguageModel, ModelMessage } from 'ai';
import { expect } from 'vitest';
import { QUESTION, TOOLS, result } from './talk.ts';
import type { Gateway, Talker } from './talk.ts';

/** By the package, and by the format where a package has two. */
export const AI_SDK_TALKERS: Readonly<Record<string, Talker>> = {
  '@ai-sdk/openai, Responses': talker((options, model) => createOpenAI(options).responses(model)),
  '@ai-sdk/openai, chat': talker((options, model) => createOpenAI(options).chat(model)),
  '@ai-sdk/anthropic': talker((options, model) => createAnthropic(options)(model)),
  '@ai-sdk/google': talker(({ apiKey }, model, { url }) =>
    // A name with a slash is taken for a path.
    createGoogle({ apiKey, baseURL: `${url}/v1beta` })(`models/${model}`),
  ),
  // Asks for no usage, as Mistral tells it unasked.
  '@ai-sdk/mistral': talker((options, model) => createMistral(options)(model), false),
};

interface Options {
  readonly apiKey: string;
  readonly baseURL: string;
}

type ModelOf = (options: Options, model: string, gateway: Gateway) => LanguageModel;

function talker(modelOf: ModelOf, asksUsage = true): Talker {
  return async (gateway, name) => {
    const model = modelOf({ apiKey: gateway.key, baseURL: `${gateway.url}/v1` }, name, gateway);
    const tools = Object.fromEntries(
      TOOLS.map(({ name: called, description, schema }) => [
        called,
        tool({ description, inputSchema: jsonSchema<object>(schema), execute: () => Promise.resolve(result(called)) }),
      ]),
    );
    const messages: ModelMessage[] = [{ role: 'user', content: QUESTION }];
    // Else the Responses client speaks of what it believes to lie at OpenAI.
    const providerOptions = { openai: { store: false } };
    const common = { model, tools, maxRetries: 0, providerOptions };
    const errors: unknown[] = [];
    const first = streamText({ ...common, messages, onError: ({ error }) => void errors.push(error) });
    await first.consumeStream();
    expect(errors).toEqual([]);
    expect(await first.finishReason).toBe('tool-calls');
    if (asksUsage) expect(await first.usage).toMatchObject({ inputTokens: 100, outputTokens: 30 });
    const last = await generateText({ ...common, messages: [...messages, ...(await first.responseMessages)] });
    return {
      firstText: await first.text,
      calls: (await first.toolCalls).map(({ toolName, input }) => ({ name: toolName, arguments: input })),
      lastText: last.text,
      requestId: last.response.headers?.['x-request-id'] ?? '',
    };
  };
}
