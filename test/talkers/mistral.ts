import { HTTPClient, Mistral } from '@mistralai/mistralai';
import type {
  ChatCompletionRequest,
  ChatCompletionRequestMessage,
  ToolCall,
} from '@mistralai/mistralai/models/components';
import { QUESTION, TOOLS, result } from './talk.ts';
import type { Talker } from './talk.ts';

/**
 * Mistral's own client, which asks the paths of OpenAI's chat format. It refuses two things that OpenAI's
 * streams have, pieces of a call without its name and `usage: null`, so it gets streams of its own.
 */
export const talkMistral = mistralTalker(async (client, request) => {
  let text = '';
  const calls: ToolCall[] = [];
  for await (const { data } of await client.chat.stream(request)) {
    const delta = data.choices[0]?.delta;
    text += textOf(delta?.content);
    calls.push(...(delta?.toolCalls ?? []));
  }
  return { text, calls };
});

/** The same without a stream. */
export const talkMistralWhole = mistralTalker(ask);

interface Answer {
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

type Ask = (client: Mistral, request: ChatCompletionRequest) => Promise<Answer>;

async function ask(client: Mistral, request: ChatCompletionRequest): Promise<Answer> {
  const message = (await client.chat.complete(request)).choices[0]?.message;
  return { text: textOf(message?.content), calls: message?.toolCalls ?? [] };
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : '';
}

function mistralTalker(askFirst: Ask): Talker {
  return async (gateway, model) => {
    let requestId = '';
    const httpClient = new HTTPClient().addHook('response', (response) => {
      requestId = response.headers.get('x-request-id') ?? '';
    });
    const client = new Mistral({ apiKey: gateway.key, serverURL: gateway.url, httpClient });
    const tools = TOOLS.map(({ name, description, schema }) => ({
      type: 'function' as const,
      function: { name, description, parameters: schema },
    }));
    const messages: ChatCompletionRequestMessage[] = [{ role: 'user', content: QUESTION }];
    const { text, calls } = await askFirst(client, { model, messages, tools });
    messages.push({ role: 'assistant', content: text, toolCalls: [...calls] });
    for (const { id = '', function: called } of calls)
      messages.push({ role: 'tool', name: called.name, content: result(called.name), toolCallId: id });
    const last = await ask(client, { model, messages, tools });
    return { firstText: text, calls: calls.map(called), lastText: last.text, requestId };
  };
}

function called({ function: { name, arguments: args } }: ToolCall): { name: string; arguments: unknown } {
  return { name, arguments: typeof args === 'string' ? JSON.parse(args) : args };
}
