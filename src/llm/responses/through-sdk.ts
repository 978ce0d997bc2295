/** For tests: what openai-node makes of a stream. */
import OpenAI from 'openai';
import type { Response as OpenAIResponse } from 'openai/resources/responses/responses';

export function throughSdk(text: string): Promise<OpenAIResponse> {
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(text, { headers: { 'content-type': 'text/event-stream' } }));
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1/v1', fetch, maxRetries: 0 });
  return client.responses.stream({ model: 'm', input: 'hi' }).finalResponse();
}
