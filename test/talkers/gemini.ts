import { GoogleGenAI } from '@google/genai';
import type { Content } from '@google/genai';
import { QUESTION, TOOLS, result } from './talk.ts';
import type { Talker } from './talk.ts';

/** Google's own client. */
export const talkGemini: Talker = async (gateway, model) => {
  const client = new GoogleGenAI({ apiKey: gateway.key, httpOptions: { baseUrl: gateway.url } });
  const functionDeclarations = TOOLS.map(({ name, description, schema }) => ({
    name,
    description,
    parametersJsonSchema: schema,
  }));
  const config = { tools: [{ functionDeclarations }] };
  const contents: Content[] = [{ role: 'user', parts: [{ text: QUESTION }] }];
  const parts: NonNullable<Content['parts']> = [];
  for await (const chunk of await client.models.generateContentStream({ model, contents, config }))
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
  const calls = parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
  contents.push({ role: 'model', parts });
  contents.push({
    role: 'user',
    parts: calls.map(({ id, name = '' }) => ({
      functionResponse: { ...(id !== undefined && { id }), name, response: { output: result(name) } },
    })),
  });
  const last = await client.models.generateContent({ model, contents, config });
  return {
    firstText: parts.map(({ text, thought }) => (thought === true ? '' : (text ?? ''))).join(''),
    calls: calls.map(({ name = '', args }) => ({ name, arguments: args })),
    lastText: last.text ?? '',
    requestId: last.sdkHttpResponse?.headers?.['x-request-id'] ?? '',
  };
};
