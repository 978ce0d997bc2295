/** Images, sound, moderation and reranking, with the official client and by hand. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MP3, startMediaUpstream } from '../fakes/media-upstream.ts';
import type { MediaUpstream } from '../fakes/media-upstream.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product, ShownCall } from '../product.ts';

const SECRET = 'provider-secret-0123456789';

let upstream: MediaUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startMediaUpstream();
  product = await startProduct({ config: configFor(upstream.origin) });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});

function configFor(origin: string): string {
  const credentials = `credentials: [{ secret: "${SECRET}" }]`;
  return [
    'providers:',
    `  house: { dialect: openai, baseUrl: "${origin}/v1", ${credentials}, models: [`,
    '    { id: pixels, price: { input: 5, output: 40 } },',
    '    { id: prints, price: { input: 0, output: 0, perImage: 0.04 } },',
    '    { id: finder, price: { input: 1, output: 0, perSearchUnit: 0.001 } },',
    '    { id: ears, price: { input: 0, output: 0, perRequest: 0.006 } },',
    '    { id: voice, price: { input: 0, output: 0, perMillionCharacters: 15 } },',
    '    { id: whisper, price: { input: 0, output: 0, perAudioHour: 0.36 } },',
    '    { id: silent, price: { input: 0, output: 0, perAudioHour: 0.04, audioSecondsMin: 10 } } ] }',
    `  voyage: { baseUrl: "${origin}/v1", ${credentials} }`,
    `  cohere: { baseUrl: "${origin}", ${credentials} }`,
    `  dear: { dialect: cohere, baseUrl: "${origin}", ${credentials}, models: [{ id: rerank-v3.5, price: { input: 0, output: 0, perSearchUnit: 0.003 } }] }`,
    `  claude: { dialect: anthropic, baseUrl: "${origin}", ${credentials} }`,
    'models:',
    '  ears: { strategy: least-cost, targets: [{ model: house/whisper }, { model: house/silent }] }',
    '',
  ].join('\n');
}

function client(apiKey = product.firstKey): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
}

async function rejection(promise: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error('the call was answered');
}

function wav(bytes: Uint8Array = Buffer.alloc(4800)): Promise<File> {
  return toFile(bytes, 'voice.wav', { type: 'audio/wav' });
}

async function post(path: string, body: unknown, key = product.firstKey): Promise<Response> {
  return fetch(`${product.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function sendForm(path: string, body: string | Buffer, type: string, key = product.firstKey): Promise<Response> {
  return fetch(`${product.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': type },
    body,
  });
}

function recordOf(response: Response): Promise<ShownCall> {
  return findCall(product, response.headers.get('x-request-id') ?? '');
}

describe('the openai client against the sandbox', () => {
  const model = 'sandbox/echo';

  test('makes images and changes them, and pays for each', async () => {
    const { data: made, response } = await client().images.generate({ model, prompt: 'a fox', n: 2 }).withResponse();
    expect(made.data).toHaveLength(2);
    expect(Buffer.from(made.data?.[0]?.b64_json ?? '', 'base64').toString('latin1', 1, 4)).toBe('PNG');
    const call = await recordOf(response);
    expect(call).toMatchObject({ status: 200, outputTokens: 2, complete: true });
    expect(call.costNanoUsd).toBeGreaterThanOrEqual(20_000_000);

    const image = await toFile(Buffer.from(made.data?.[0]?.b64_json ?? '', 'base64'), 'fox.png', { type: 'image/png' });
    const edited = await client().images.edit({ model, image, prompt: 'a red fox' });
    expect(edited.data).toHaveLength(1);
    expect((await client().images.createVariation({ model, image, n: 3 })).data).toHaveLength(3);
  });

  test('streams an image', async () => {
    const types: string[] = [];
    for await (const event of await client().images.generate({ model, prompt: 'a fox', stream: true }))
      types.push(event.type);
    expect(types).toEqual(['image_generation.completed']);
  });

  test('speaks, and writes down what it hears in every format', async () => {
    const speech = await client().audio.speech.create({ model, voice: 'alloy', input: 'Hello.' });
    expect(speech.headers.get('content-type')).toBe('audio/wav');
    const sound = Buffer.from(await speech.arrayBuffer());
    expect(sound.toString('latin1', 0, 4)).toBe('RIFF');
    expect(await recordOf(speech)).toMatchObject({ costNanoUsd: 90_000, costEstimated: false });

    const heard = await client().audio.transcriptions.create({ model, file: await wav(sound) });
    expect(heard.text).toContain(`${sound.length} bytes`);
    const vtt = await client().audio.transcriptions.create({ model, file: await wav(sound), response_format: 'vtt' });
    expect(vtt).toMatch(/^WEBVTT/);
    expect((await client().audio.translations.create({ model, file: await wav() })).text).toContain('4800 bytes');
  });

  test('streams a transcript to its end', async () => {
    const events = await client().audio.transcriptions.create({ model, file: await wav(), stream: true });
    let text = '';
    let last = '';
    for await (const event of events) {
      if (event.type === 'transcript.text.delta') text += event.delta;
      last = event.type;
    }
    expect(text).toContain('4800 bytes');
    expect(last).toBe('transcript.text.done');
  });

  test('has texts judged, and documents put in order', async () => {
    const verdict = await client().moderations.create({ model, input: 'There is violence in it.' });
    expect(verdict.results[0]?.flagged).toBe(true);
    const ranked = await post('/v1/rerank', { model, query: 'red fox', documents: ['a cat', 'the red fox'] });
    expect(await ranked.json()).toMatchObject({ results: [{ index: 1 }, { index: 0 }] });
  });
});

describe('a provider', () => {
  test('gets a form byte for byte but for the name of the model, and never the key of the caller', async () => {
    const type = 'multipart/form-data; boundary="edge:1"';
    const body = (model: string): Buffer =>
      Buffer.from(
        `--edge:1\r\nContent-Disposition: form-data; name="file"; filename="ü.wav"\r\n\r\n\0\u0001\n\r\n` +
          `--edge:1\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n--edge:1--\r\n`,
      );
    const response = await sendForm('/v1/audio/transcriptions', body('house/ears'), type);
    expect(await response.json()).toMatchObject({ text: 'heard' });
    const { body: received, contentType, text } = upstream.last();
    expect(received.equals(body('ears'))).toBe(true);
    expect(contentType).toBe(type);
    expect(text).toContain(SECRET);
    expect(text).not.toContain(product.firstKey);
    // A duration is no number of tokens; the price of a call is known without any.
    expect(await recordOf(response)).toMatchObject({ inputTokens: null, outputTokens: null, costNanoUsd: 6_000_000 });
  });

  test('answers with sound or text, which pass as they are', async () => {
    const speech = await client().audio.speech.create({ model: 'house/ears', voice: 'alloy', input: 'Hello.' });
    expect(speech.headers.get('content-type')).toBe('audio/mpeg');
    expect(Buffer.from(await speech.arrayBuffer()).equals(MP3)).toBe(true);
    expect(await recordOf(speech)).toMatchObject({ complete: true, outputTokens: null, costNanoUsd: 6_000_000 });
    const file = await wav();
    const vtt = await client().audio.transcriptions.create({ model: 'house/ears', file, response_format: 'vtt' });
    expect(vtt).toBe('WEBVTT\n');
    expect(upstream.last().text).not.toContain(product.firstKey);
  });

  test('that answers with a web page is not passed on', async () => {
    const error = await rejection(client().audio.speech.create({ model: 'house/ears', voice: 'alloy', input: 'html' }));
    expect([error.status, error.code]).toEqual([502, 'provider_answer_invalid']);
  });

  test('tells its tokens behind megabytes of images, whole and as a stream', async () => {
    const request = { model: 'house/pixels', prompt: 'a fox' };
    const whole = await client().images.generate(request).withResponse();
    expect(await recordOf(whole.response)).toMatchObject({ inputTokens: 10, outputTokens: 272, complete: true });
    const { data, response } = await client()
      .images.generate({ ...request, stream: true })
      .withResponse();
    for await (const event of data) expect(event.type).toBe('image_generation.completed');
    expect(await recordOf(response)).toMatchObject({
      inputTokens: 10,
      outputTokens: 272,
      complete: true,
      costNanoUsd: 10 * 5000 + 272 * 40_000,
    });
  });

  test('that tells no tokens is paid by the image, and a budget that has no room for it lets no call through', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 0.1, period: 'total' }] } });
    const image = await toFile(Buffer.from('png'), 'a.png', { type: 'image/png' });
    const ask = (n: number) => client(key).images.edit({ model: 'house/prints', image, prompt: 'x', n });
    const before = upstream.requests.length;
    expect((await rejection(ask(3))).code).toMatch(/budget/);
    expect(upstream.requests).toHaveLength(before);
    const { response } = await ask(2).withResponse();
    expect(await recordOf(response)).toMatchObject({ costNanoUsd: 80_000_000, outputTokens: null });
    expect((await rejection(ask(1))).code).toMatch(/budget/);
  });

  test('is paid for speech by the characters of the text, known before and after', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 0.0003, period: 'total' }] } });
    const speak = (input: string) => client(key).audio.speech.create({ model: 'house/voice', voice: 'alloy', input });
    const before = upstream.requests.length;
    expect((await rejection(speak('x'.repeat(21)))).code).toMatch(/budget/);
    expect(upstream.requests).toHaveLength(before);
    const speech = await speak('Grün 🦊 und rot.');
    expect(speech.headers.get('x-keyward-cost-usd')).toBe('0.000225');
    await speech.arrayBuffer();
    expect(await recordOf(speech)).toMatchObject({
      complete: true,
      outputTokens: null,
      costNanoUsd: 225_000,
      costEstimated: false,
      usageDetail: { characters: 15 },
    });
    // Five characters are left.
    expect((await rejection(speak('123456'))).code).toMatch(/budget/);
    expect((await speak('12345')).status).toBe(200);
  });

  test.each([
    ['usage', 'json', 900_000, 9],
    ['the details of the transcript', 'verbose_json', 847_000, 8.47],
  ] as const)(
    'that tells the seconds in %s is paid by them',
    async (_name, response_format, costNanoUsd, audioSeconds) => {
      const { response } = await client()
        .audio.transcriptions.create({ model: 'house/whisper', file: await wav(), response_format })
        .withResponse();
      expect(response.headers.get('x-keyward-cost-usd')).toBe(String(costNanoUsd / 1e9));
      expect(await recordOf(response)).toMatchObject({
        inputTokens: null,
        costNanoUsd,
        costEstimated: false,
        usageDetail: { audioSeconds },
      });
    },
  );

  test('that tells no seconds is paid by the length of the sound that was sent, marked as estimated', async () => {
    const file = await wav(Buffer.alloc(12 * 8000));
    const heard = await client().audio.transcriptions.create({ model: 'house/silent', file }).withResponse();
    expect(heard.response.headers.get('x-keyward-cost-usd')).toBe('0.000133333');
    expect(await recordOf(heard.response)).toMatchObject({
      costNanoUsd: 133_333,
      costEstimated: true,
      usageDetail: { audioSeconds: 12 },
    });
    const vtt = await client()
      .audio.transcriptions.create({ model: 'house/whisper', file, response_format: 'vtt' })
      .withResponse();
    expect(vtt.response.headers.get('x-keyward-cost-usd')).toBe('0.0012');
    expect(await recordOf(vtt.response)).toMatchObject({ costNanoUsd: 1_200_000, costEstimated: true });
    // Less than the vendor's minimum.
    const short = await client()
      .audio.translations.create({ model: 'house/silent', file: await wav() })
      .withResponse();
    expect(await recordOf(short.response)).toMatchObject({ costNanoUsd: 111_111, costEstimated: true });
  });

  test('that is paid by the second is not called where the sound is longer than the budget', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 0.001, period: 'total' }] } });
    const model = 'house/whisper';
    const hear = async (seconds: number) =>
      client(key).audio.transcriptions.create({ model, file: await wav(Buffer.alloc(seconds * 8000)) });
    const before = upstream.requests.length;
    expect((await rejection(hear(11))).code).toMatch(/budget/);
    expect(upstream.requests).toHaveLength(before);
    expect((await hear(10)).text).toBe('heard');
    // What the provider told took the place of what was reserved: a second is left.
    expect((await rejection(hear(2))).code).toMatch(/budget/);
    expect((await hear(1)).text).toBe('heard');
  });

  test('that is paid by the second is not called for a key with a budget where the sound is elsewhere', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'total' }] } });
    const request = { model: 'house/whisper', url: 'https://example.com/a.wav' };
    const response = await post('/v1/audio/transcriptions', request, key);
    expect(await response.json()).toMatchObject({ error: { code: 'price_unknown' } });
  });

  test('is chosen by the least price also where that is one of sound', async () => {
    const { response } = await client()
      .audio.transcriptions.create({ model: 'ears', file: await wav() })
      .withResponse();
    expect(await recordOf(response)).toMatchObject({ model: 'silent', costNanoUsd: 111_111 });
  });

  test('that sells sound alone is not called for text for a key with a budget, and what else it costs is unknown', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'total' }] } });
    const ask = (model: string) => post('/v1/moderations', { model, input: 'x' }, key);
    for (const model of ['house/whisper', 'house/voice'])
      expect(await (await ask(model)).json()).toMatchObject({ error: { code: 'price_unknown' } });
    const chat = { model: 'house/whisper', messages: [{ role: 'user', content: 'x' }] };
    const refused = await post('/v1/chat/completions', chat, key);
    expect(await refused.json()).toMatchObject({ error: { code: 'price_unknown' } });
    const image = await post('/v1/images/generations', { model: 'house/whisper', prompt: 'x' });
    await image.arrayBuffer();
    expect(await recordOf(image)).toMatchObject({ outputTokens: 272, costNanoUsd: null });
  });

  test('whose answer cannot tell its tokens is not called for a key with a budget, unless the call has a price', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 0.01, period: 'total' }] } });
    const speak = (model: string) => client(key).audio.speech.create({ model, voice: 'alloy', input: 'Hello.' });
    expect((await rejection(speak('house/pixels'))).code).toBe('price_unknown');
    expect((await speak('house/ears')).status).toBe(200);
    expect((await rejection(speak('house/ears'))).code).toMatch(/budget/);
  });

  test.each([
    ['voyage/rerank-2', '/v1/rerank', { model: 'rerank-2', query: 'q', documents: ['a', 'b'], top_k: 1 }],
    ['cohere/rerank-v3.5', '/v2/rerank', { model: 'rerank-v3.5', query: 'q', documents: ['a', 'b'], top_n: 1 }],
  ])('%s is asked in its own form', async (model, path, body) => {
    const response = await post('/v1/rerank', { model, query: 'q', documents: ['a', 'b'], top_n: 1 });
    expect(await response.json()).toMatchObject({ model, results: [{ index: 1 }] });
    expect(upstream.last().path).toBe(path);
    expect(JSON.parse(upstream.last().body.toString())).toEqual(body);
  });

  test.each([
    // The vendor tells one unit, however many documents there are; the price is the catalogue's, or one's own.
    ['cohere/rerank-v3.5', 101, { costNanoUsd: 2_000_000, costEstimated: false, usageDetail: { searchUnits: 1 } }],
    ['dear/rerank-v3.5', 2, { costNanoUsd: 3_000_000, costEstimated: false, usageDetail: { searchUnits: 1 } }],
    // This one tells five tokens and no unit.
    ['house/finder', 100, { costNanoUsd: 1_005_000, costEstimated: true, usageDetail: { searchUnits: 1 } }],
    ['house/finder', 101, { costNanoUsd: 2_005_000, costEstimated: true, usageDetail: { searchUnits: 2 } }],
  ])(
    '%s is paid by the search (%d documents), in the answer, the record and the budget alike',
    async (model, count, paid) => {
      const { kid, key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'total' }] } });
      const documents = Array.from({ length: count }, (_, i) => `document ${i}`);
      const response = await post('/v1/rerank', { model, query: 'q', documents }, key);
      expect(response.status, await response.text()).toBe(200);
      expect(await recordOf(response)).toMatchObject(paid);
      expect(Number(response.headers.get('x-keyward-cost-usd'))).toBe(paid.costNanoUsd / 1e9);
      await expect
        .poll(async () => (await product.admin('GET', `/keys/${kid}/limits`)).body)
        .toMatchObject({ items: [{ name: 'budget', used: paid.costNanoUsd, held: 0 }] });
    },
  );

  test('that is paid by the search is not asked where the budget does not reach for all units', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 0.003, period: 'total' }] } });
    const ask = (count: number) =>
      post(
        '/v1/rerank',
        { model: 'cohere/rerank-v3.5', query: 'q', documents: Array.from({ length: count }, () => 'd') },
        key,
      );
    expect((await ask(101)).status).toBe(429);
    expect((await ask(100)).status).toBe(200);
  });

  test('that has no such endpoint is named in the refusal', async () => {
    const error = await rejection(client().images.generate({ model: 'claude/opus', prompt: 'x' }));
    expect(error.code).toBe('dialect_unsupported');
    expect(error.message).toContain('"claude/opus" has no image generation');
  });

  test('passes through below its own path, metered and without the key', async () => {
    const response = await post('/providers/house/images/generations', { model: 'pixels', prompt: 'x' });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    expect(await recordOf(response)).toMatchObject({ inputTokens: 10, outputTokens: 272 });
    expect(upstream.last().text).not.toContain(product.firstKey);

    // Below its own path the vendor may choose the model; what that costs is not known.
    const speech = await post('/providers/house/audio/speech', { model: 'voice', input: 'Hello.', voice: 'alloy' });
    await speech.arrayBuffer();
    expect(await recordOf(speech)).toMatchObject({ costNanoUsd: 90_000, usageDetail: { characters: 6 } });

    const open = await post('/providers/house/images/generations', { prompt: 'x' });
    await open.arrayBuffer();
    expect(await recordOf(open)).toMatchObject({ status: 200, outputTokens: 272, costNanoUsd: null });
  });
});

describe('a key', () => {
  let key = '';
  beforeAll(async () => {
    ({ key } = await createKey(product, { scopes: { operations: ['audio', 'moderation'] } }));
  });

  test('that is scoped to kinds of operation may call those and no others', async () => {
    const model = 'sandbox/echo';
    expect((await client(key).moderations.create({ model, input: 'x' })).results).toHaveLength(1);
    await client(key).audio.transcriptions.create({ model, file: await wav() });
    const denied = await rejection(client(key).images.generate({ model, prompt: 'x' }));
    expect([denied.status, denied.code]).toEqual([403, 'operation_denied']);
    const ranked = await post('/v1/rerank', { model, query: 'q', documents: ['a'] }, key);
    expect(ranked.status).toBe(403);
  });

  test('is checked for the model that the form names, wherever in the form it stands', async () => {
    const narrow = await createKey(product, { scopes: { models: ['sandbox/echo'] } });
    const error = await rejection(
      client(narrow.key).audio.transcriptions.create({ model: 'house/ears', file: await wav() }),
    );
    expect([error.status, error.code]).toEqual([403, 'model_denied']);
  });
});

describe('a body that is wrong', () => {
  let before = 0;
  beforeEach(() => {
    before = upstream.requests.length;
  });

  const field = (name: string, value: string): string =>
    `--e\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

  test.each([
    ['no form', '{}', 'multipart/form-data; boundary=e', 400],
    ['no boundary', `${field('model', 'house/ears')}--e--`, 'multipart/form-data', 400],
    ['no end', field('model', 'house/ears'), 'multipart/form-data; boundary=e', 400],
    [
      'two models',
      `${field('model', 'house/ears')}${field('model', 'x/y')}--e--`,
      'multipart/form-data; boundary=e',
      400,
    ],
    ['no model', `${field('prompt', 'x')}--e--`, 'multipart/form-data; boundary=e', 400],
    ['another type', 'model=house/ears', 'application/x-www-form-urlencoded', 415],
  ])('%s is refused with a sentence in the form of the dialect', async (_name, body, type, status) => {
    const response = await sendForm('/v1/audio/transcriptions', body, type);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { readonly error: Readonly<Record<string, unknown>> };
    expect(error['type']).toBe('invalid_request_error');
    expect(error['message']).toMatch(/^[A-Z"].{10,}\.$/);
    expect(upstream.requests).toHaveLength(before);
  });

  test('a form where only JSON belongs is refused', async () => {
    const response = await sendForm(
      '/v1/images/generations',
      `${field('model', 'a')}--e--`,
      'multipart/form-data; boundary=e',
    );
    expect(response.status).toBe(415);
  });

  test('a model is asked for where the vendor would choose one', async () => {
    const error = await rejection(client().moderations.create({ input: 'x' }));
    expect([error.status, error.code]).toEqual([400, 'model_missing']);
  });
});
