import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signRequest } from '../../src/lib/aws-sigv4.ts';
import { ANSWERS } from '../dialects/answers.ts';
import { startSpeakingUpstream } from '../fakes/speaking-upstream.ts';
import type { SpeakingUpstream } from '../fakes/speaking-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

let bedrock: SpeakingUpstream;
let claude: SpeakingUpstream;
let gemini: SpeakingUpstream;
let product: Product;

beforeAll(async () => {
  [bedrock, claude, gemini] = [
    await startSpeakingUpstream('bedrock'),
    await startSpeakingUpstream('anthropic'),
    await startSpeakingUpstream('gemini'),
  ];
  const text = ANSWERS['text'];
  if (text === undefined) throw new Error('no answer');
  for (const upstream of [bedrock, claude, gemini]) upstream.script(text);
  product = await startProduct({
    config: `providers:
  bedrock: { baseUrl: "${bedrock.baseUrl}", settings: { region: eu-north-1 }, credentials: [{ secret: "${ACCESS_KEY}:${SECRET}:a-session" }] }
  vertex: { baseUrl: "${gemini.baseUrl}/v1/publishers/google", credentials: [{ secret: ya29.token }] }
  vertex-anthropic: { baseUrl: "${claude.baseUrl}/v1/publishers/anthropic", credentials: [{ secret: ya29.token }] }
`,
  });
});
afterAll(async () => {
  await product.dispose();
  for (const upstream of [bedrock, claude, gemini]) await upstream.close();
});

function openai(): OpenAI {
  return new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
}

describe('a provider whose secret does not travel', () => {
  test("gets requests with AWS's signature, over the path and the body as they are sent", async () => {
    const model = 'bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0';
    const answer = await openai().chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] });
    expect(answer.choices[0]?.message.content).toBe(ANSWERS['text']?.text);
    const heard = bedrock.heard.at(-1);
    if (heard === undefined) throw new Error('nothing was heard');
    expect(heard.path).toBe('/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse');
    expect(heard.headers['x-amz-security-token']).toBe('a-session');
    const date = String(heard.headers['x-amz-date']);
    const nowMs = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    const expected = signRequest(
      {
        method: 'POST',
        path: heard.path,
        query: '',
        headers: ['host', String(heard.headers.host), 'content-type', String(heard.headers['content-type'])],
        body: Buffer.from(JSON.stringify(heard.body)),
      },
      { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET, sessionToken: 'a-session' },
      { region: 'eu-north-1', service: 'bedrock', nowMs },
    );
    expect(heard.headers.authorization).toBe(expected.at(-1));
    expect(JSON.stringify(heard)).not.toContain(SECRET);
  });

  test("that hosts Claude at Google's is asked as Google wants it, by clients of either dialect", async () => {
    const model = 'vertex-anthropic/claude-haiku-4-5';
    const client = new Anthropic({ apiKey: product.firstKey, baseURL: product.gatewayUrl, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const answer = await client.messages.create({ model, max_tokens: 10, messages });
    expect(answer.content[0]).toMatchObject({ type: 'text', text: ANSWERS['text']?.text });
    await openai().chat.completions.create({ model, messages });
    for (const { path, headers, body } of claude.heard) {
      expect(path).toBe('/v1/publishers/anthropic/models/claude-haiku-4-5:rawPredict');
      expect(headers.authorization).toBe('Bearer ya29.token');
      expect(body).toMatchObject({ anthropic_version: 'vertex-2023-10-16' });
      expect(body).not.toHaveProperty('model');
    }
    expect(claude.heard).toHaveLength(2);
  });

  test("that hosts Gemini at Google's has no version in its paths", async () => {
    await openai().chat.completions.create({
      model: 'vertex/gemini-2.5-flash',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(gemini.heard.at(-1)?.path).toBe('/v1/publishers/google/models/gemini-2.5-flash:generateContent');
  });
});
