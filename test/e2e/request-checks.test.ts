/**
 * A request that cannot be served is refused before anybody pays: 400 in the caller's dialect, with the
 * field and the model in its words.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { PNG } from '../dialects/capabilities.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

type Body = Readonly<Record<string, unknown>>;

let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  product = await startProduct({
    config: `${fakeProvidersConfig(upstream.origin, 'x')}
  house-bedrock: { dialect: bedrock, baseUrl: "${upstream.origin}", credentials: [{ secret: x }] }
  house-cohere: { dialect: cohere, baseUrl: "${upstream.origin}", credentials: [{ secret: x }] }
`,
  });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});
beforeEach(() => upstream.clear());

async function post(path: string, body: Body): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(product.gatewayUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

function ask(dialect: ClientDialectName, model: string, body: Body) {
  return post(DIALECT_CALLS[dialect].path(model, false), { ...BLANK[dialect], ...named(dialect, model), ...body });
}

function named(dialect: ClientDialectName, model: string): Body {
  return dialect === 'gemini' ? {} : { model };
}

const TEXT = 'Say hello.';

const BLANK: Readonly<Record<ClientDialectName, Body>> = {
  openai: { messages: [{ role: 'user', content: TEXT }] },
  'openai-responses': { input: TEXT },
  anthropic: { max_tokens: 64, messages: [{ role: 'user', content: TEXT }] },
  gemini: { contents: [{ role: 'user', parts: [{ text: TEXT }] }] },
};

async function expectRefusal(
  dialect: ClientDialectName,
  model: string,
  { field, body }: { readonly field: string; readonly body: Body },
): Promise<void> {
  const answer = await ask(dialect, model, body);
  const message = DIALECT_CALLS[dialect].errorMessage(answer.body) ?? '';
  expect(answer.status, JSON.stringify(answer.body)).toBe(400);
  expect(message).toContain(`"${field}`);
  expect(message).toContain(`"${model}"`);
  if (dialect.startsWith('openai')) expect(answer.body).toHaveProperty('error.param', expect.stringContaining(field));
  expect(upstream.requests).toHaveLength(0);
}

interface Case {
  readonly dialect: ClientDialectName;
  readonly field: string;
  readonly body: Body;
}

describe('where the bytes pass unread', () => {
  test.each<Case>([
    ...[-1, 0].map((tokens): Case => ({ dialect: 'openai', field: 'max_tokens', body: { max_tokens: tokens } })),
    { dialect: 'openai', field: 'max_completion_tokens', body: { max_completion_tokens: 0 } },
    ...[-1, 0, 129].map((n): Case => ({ dialect: 'openai', field: 'n', body: { n } })),
    { dialect: 'openai', field: 'n', body: { n: 'two' } },
    { dialect: 'openai', field: 'stream', body: { stream: 'yes' } },
    { dialect: 'openai-responses', field: 'max_output_tokens', body: { max_output_tokens: 0 } },
    { dialect: 'anthropic', field: 'max_tokens', body: { max_tokens: -1 } },
    ...[0, -7].map((tokens): Case => ({
      dialect: 'gemini',
      field: 'generationConfig.maxOutputTokens',
      body: { generationConfig: { maxOutputTokens: tokens } },
    })),
    {
      dialect: 'gemini',
      field: 'generation_config.candidate_count',
      body: { generation_config: { candidate_count: 500 } },
    },
  ])('$dialect is refused $body', async (wrong) => {
    await expectRefusal(wrong.dialect, `${FAKE_PROVIDERS[wrong.dialect]}/m`, wrong);
  });

  test('no token of output is what fills the cache of Anthropic, and what tells the probabilities of a prompt', async () => {
    expect((await ask('anthropic', 'house-anthropic/m', { max_tokens: 0 })).status).toBe(200);
    const completion = { model: 'house/m', prompt: TEXT, max_tokens: 0, echo: true, logprobs: 1 };
    await post('/v1/completions', completion);
    expect(upstream.requests).toHaveLength(2);
  });
});

test.each([
  ['/v1/rerank', 'documents', { query: 'q', documents: 'x' }],
  ['/v1/rerank', 'query', { documents: ['x'] }],
  ['/v1/rerank', 'top_n', { query: 'q', documents: ['x'], top_n: 0 }],
  ['/v1/embeddings', 'dimensions', { input: 'x', dimensions: -1 }],
  ['/v1/embeddings', 'input', { input: [] }],
])('%s names the field %s and the model', async (path, field, body) => {
  const answer = await post(path, { model: 'house-cohere/m', ...body });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    error: { param: field, message: expect.stringMatching(new RegExp(`"${field}".*"house-cohere/m"`, 's')) as unknown },
  });
  expect(upstream.requests).toHaveLength(0);
});

test('an image that is to be fetched and must not names its place', async () => {
  const content = [{ type: 'image_url', image_url: { url: 'https://127.0.0.1/a.png' } }];
  await expectRefusal('openai', 'house-gemini/m', {
    field: 'messages[0].content[0]',
    body: { messages: [{ role: 'user', content }] },
  });
});

/** What every dialect can say, each in its own form. */
interface Form {
  /** A model whose provider speaks another dialect, and one that takes files of its own storage. */
  readonly elsewhere: string;
  readonly turns: string;
  empty(): Body;
  image(mediaType: string, data: string): Body;
  imageField: string;
  linked(url: string): Body;
  tool(name: string, schema?: Body): unknown;
  tools(...tools: readonly unknown[]): Body;
  toolField: string;
  choosing(name: string): Body;
  choiceField: string;
}

const SCHEMA: Body = { type: 'object', properties: { city: { type: 'string' } } };

function said(content: unknown): Body {
  return { messages: [{ role: 'user', content: [content] }] };
}

const FORMS: Readonly<Record<ClientDialectName, Form>> = {
  openai: {
    elsewhere: 'house-anthropic/m',
    turns: 'messages',
    empty: () => ({ messages: [] }),
    image: (type, data) => said({ type: 'image_url', image_url: { url: `data:${type};base64,${data}` } }),
    imageField: 'messages[0].content[0]',
    linked: (url) => said({ type: 'image_url', image_url: { url } }),
    tool: (name, parameters = SCHEMA) => ({ type: 'function', function: { name, parameters } }),
    tools: (...tools) => ({ tools }),
    toolField: 'tools[0].function',
    choosing: (name) => ({ tool_choice: { type: 'function', function: { name } } }),
    choiceField: 'tool_choice',
  },
  'openai-responses': {
    elsewhere: 'house-anthropic/m',
    turns: 'input',
    empty: () => ({ input: [] }),
    image: (type, data) => ({
      input: [{ role: 'user', content: [{ type: 'input_image', image_url: `data:${type};base64,${data}` }] }],
    }),
    imageField: 'input[0].content[0]',
    linked: (url) => ({ input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }] }),
    tool: (name, parameters = SCHEMA) => ({ type: 'function', name, parameters, strict: false }),
    tools: (...tools) => ({ tools }),
    toolField: 'tools[0]',
    choosing: (name) => ({ tool_choice: { type: 'function', name } }),
    choiceField: 'tool_choice',
  },
  anthropic: {
    elsewhere: 'house/m',
    turns: 'messages',
    empty: () => ({ system: 'Be brief.', messages: [] }),
    image: (media_type, data) => said({ type: 'image', source: { type: 'base64', media_type, data } }),
    imageField: 'messages[0].content[0]',
    linked: (url) => said({ type: 'image', source: { type: 'url', url } }),
    tool: (name, input_schema = SCHEMA) => ({ name, input_schema }),
    tools: (...tools) => ({ tools }),
    toolField: 'tools[0]',
    choosing: (name) => ({ tool_choice: { type: 'tool', name } }),
    choiceField: 'tool_choice',
  },
  gemini: {
    elsewhere: 'house-anthropic/m',
    turns: 'contents',
    empty: () => ({ systemInstruction: { parts: [{ text: 'Be brief.' }] }, contents: [] }),
    image: (mimeType, data) => ({ contents: [{ role: 'user', parts: [{ inlineData: { mimeType, data } }] }] }),
    imageField: 'contents[0].parts[0]',
    linked: (fileUri) => ({
      contents: [{ role: 'user', parts: [{ fileData: { mimeType: 'image/png', fileUri } }] }],
    }),
    tool: (name, parametersJsonSchema = SCHEMA) => ({ name, parametersJsonSchema }),
    tools: (...functionDeclarations) => ({ tools: [{ functionDeclarations }] }),
    toolField: 'tools',
    choosing: (name) => ({
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [name] } },
    }),
    choiceField: 'toolConfig.functionCallingConfig.allowedFunctionNames',
  },
};

const DIALECTS = Object.keys(FORMS) as readonly ClientDialectName[];
const NO_IMAGE = Buffer.from('<html>no image at all</html>').toString('base64');
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46]).toString('base64');

describe.each(DIALECTS)('what goes to another dialect from %s', (dialect) => {
  const form = FORMS[dialect];
  const { imageField, toolField, choiceField, elsewhere } = form;
  const temperature = dialect === 'gemini' ? 'generationConfig.temperature' : 'temperature';
  const cool = (value: unknown): Body =>
    dialect === 'gemini' ? { generationConfig: { temperature: value } } : { temperature: value };

  test.each<readonly [name: string, field: string, body: Body]>([
    ['an image whose data is no base64', imageField, form.image('image/png', 'not base64 at all!')],
    ['an image of no bytes', imageField, form.image('image/png', '')],
    ['bytes that are no image', imageField, form.image('image/png', NO_IMAGE)],
    ['a PDF for an image', imageField, form.image('image/png', Buffer.from('%PDF-1.7 x').toString('base64'))],
    ...(dialect === 'gemini'
      ? []
      : [
          ['a web page for an image', imageField, form.image('text/html', NO_IMAGE)] as const,
          ['text for an image', imageField, form.image('text/plain', NO_IMAGE)] as const,
          ['a URL that is none', imageField, form.linked('picture.png')] as const,
        ]),
    ['a file of the gateway', imageField, form.linked('file:///etc/passwd')],
    ['a file by FTP', imageField, form.linked('ftp://example.com/a.png')],
    ['a file by Gopher', imageField, form.linked('gopher://example.com/a.png')],
    ['a tool with spaces in its name', toolField, form.tools(form.tool('a b!'))],
    ['a tool with a name of 200 letters', toolField, form.tools(form.tool('x'.repeat(200)))],
    ['a tool that is there twice', toolField.replace('0', '1'), form.tools(form.tool('look'), form.tool('look'))],
    ['a schema that is of no object', toolField, form.tools(form.tool('look', { type: 'string' }))],
    ['a schema of no type', toolField, form.tools(form.tool('look', { type: 'strng' }))],
    [
      'a schema with a type that is none inside',
      toolField,
      form.tools(form.tool('look', { type: 'object', properties: { city: { type: 'strng' } } })),
    ],
    [
      'a choice of a tool that is not there',
      choiceField,
      { ...form.tools(form.tool('look')), ...form.choosing('hear') },
    ],
    ['too many tools', 'tools', form.tools(...Array.from({ length: 1025 }, (_, at) => form.tool(`tool_${at}`)))],
    ['nothing said', form.turns, form.empty()],
    ['a temperature that is a word', temperature, cool('hot')],
    ['a temperature below zero', temperature, cool(-1)],
  ])('%s is refused', async (_name, field, body) => {
    await expectRefusal(dialect, elsewhere, { field, body });
  });

  test('a temperature beyond any number is refused', async () => {
    const body = JSON.stringify({ ...BLANK[dialect], ...named(dialect, elsewhere), ...cool(7777) });
    const answer = await fetch(product.gatewayUrl + DIALECT_CALLS[dialect].path(elsewhere, false), {
      method: 'POST',
      headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
      body: body.replace('7777', '1e999'),
    });
    expect(answer.status).toBe(400);
    expect(DIALECT_CALLS[dialect].errorMessage(await answer.json())).toContain(`"${temperature}" must be a number`);
  });

  test('an image under a wrong type goes under the right one, with a word', async () => {
    const body = form.image('image/png', JPEG);
    const answer = await fetch(product.gatewayUrl + DIALECT_CALLS[dialect].path(elsewhere, false), {
      method: 'POST',
      headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...BLANK[dialect], ...named(dialect, elsewhere), ...body }),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-keyward-warnings')).toContain('image/jpeg');
    expect(upstream.requests[0]?.body.toString()).toContain('image/jpeg');
    await answer.text();
  });

  test('what is sound passes', async () => {
    const body = {
      ...form.image('image/png', PNG),
      ...form.tools(form.tool('look-at_me')),
      ...form.choosing('look-at_me'),
    };
    expect((await ask(dialect, elsewhere, body)).status).toBe(200);
  });
});

describe.each(DIALECTS)('what goes from %s to its own dialect', (dialect) => {
  const { image, imageField } = FORMS[dialect];
  const model = `${FAKE_PROVIDERS[dialect]}/m`;

  test.each([
    ['bytes that are no image', image('image/png', NO_IMAGE)],
    ['an image of no bytes', image('image/png', '')],
    ['a PDF for an image', image('image/png', Buffer.from('%PDF-1.7 x').toString('base64'))],
  ])('%s is refused', (_name, body) => expectRefusal(dialect, model, { field: imageField, body }));

  test('an image that is one passes as it is', async () => {
    const body = image('image/png', PNG);
    expect((await ask(dialect, model, body)).status).toBe(200);
    expect(JSON.parse(upstream.requests[0]?.body.toString() ?? '')).toMatchObject(body);
  });
});

test('each provider has its own rule for names', async () => {
  const tools = (name: string): Body => FORMS.openai.tools(FORMS.openai.tool(name));
  for (const name of ['x'.repeat(65), 'a.b'])
    await expectRefusal('openai', 'house-bedrock/m', { field: 'tools[0].function.name', body: tools(name) });
  await expectRefusal('openai', 'house-gemini/m', { field: 'tools[0].function.name', body: tools('-a') });
  expect((await ask('openai', 'house-gemini/m', tools('a.b'))).status).toBe(200);
  expect((await ask('openai', 'house-anthropic/m', tools('x'.repeat(128)))).status).toBe(200);
});

test('a place in the storage of Google is for Google only', async () => {
  const url = 'gs://bucket/a.png';
  await expectRefusal('openai', 'house-anthropic/m', {
    field: 'messages[0].content[0]',
    body: FORMS.openai.linked(url),
  });
  expect((await ask('openai', 'house-gemini/m', FORMS.openai.linked(url))).status).toBe(200);
});

test('a format that the provider cannot know is refused', async () => {
  await expectRefusal('openai', 'house-anthropic/m', {
    field: 'response_format.type',
    body: { response_format: { type: 'xml' } },
  });
});

test('no token of output fills no cache but that of Anthropic', async () => {
  await expectRefusal('anthropic', 'house/m', { field: 'max_tokens', body: { max_tokens: 0 } });
});

test.each(['x', []])('tokens of %j, which are no messages, are not estimated', async (messages) => {
  const answer = await post('/v1/messages/count_tokens', { model: 'house/m', messages });
  expect(answer.status).toBe(400);
  const message = DIALECT_CALLS.anthropic.errorMessage(answer.body);
  expect(message).toContain('"messages"');
  expect(message).toContain('"house/m"');
});
