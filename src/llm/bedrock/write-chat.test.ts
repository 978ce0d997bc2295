import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLAIN_REQUEST, chatRequest, written } from '../../../test/chat-requests.ts';
import type { Written } from '../../../test/chat-requests.ts';
import type { ChatRequest, FunctionTool, Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { ModelTraits } from '../model-traits.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { Report } from '../report.ts';
import { conversePath, countTokensPath } from './paths.ts';
import { bedrockProvider } from './provider-codec.ts';

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const LOOK: FunctionTool = {
  kind: 'function',
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object', properties: { at: { type: 'string' } } },
  strict: null,
};

function write(request: Partial<ChatRequest>, traits: Partial<ModelTraits> = {}, name: string = CLAUDE): Written {
  return written(bedrockProvider, name, request, traits);
}

function user(...parts: Part[]): Turn {
  return { role: 'user', parts };
}

function text(content: string): Part {
  return { kind: 'text', text: content };
}

const CALL: Turn = {
  role: 'assistant',
  parts: [{ kind: 'tool_call', id: 'call_1', name: 'look', arguments: '{"at":"Rome"}' }],
};
const RESULT: Part = { kind: 'tool_result', callId: 'call_1', parts: [text('Sun')], isError: false };

describe('the conversation', () => {
  test('has leading instructions as system, later ones as the user’s words, neighbours as one message', () => {
    const { body, warnings } = write({
      turns: [
        { role: 'system', parts: [text('Be brief.')] },
        { role: 'developer', parts: [{ kind: 'text', text: 'In verse.', cache: { ttl: '1h' } }] },
        user(text('Hi')),
        { role: 'system', parts: [text('Now in prose.')] },
        { role: 'assistant', parts: [text('Ho')] },
      ],
    });
    expect(body).toEqual({
      system: [{ text: 'Be brief.' }, { text: 'In verse.' }, { cachePoint: { type: 'default', ttl: '1h' } }],
      messages: [
        { role: 'user', content: [{ text: 'Hi' }, { text: 'Now in prose.' }] },
        { role: 'assistant', content: [{ text: 'Ho' }] },
      ],
    });
    expect(warnings).toEqual(['approximated messages[3]']);
  });

  test('has all results of tools first in the message after the calls', () => {
    const { body } = write({
      turns: [
        user(text('Where?')),
        CALL,
        user(text('Well?'), RESULT),
        user({ kind: 'tool_result', callId: 'call_2', parts: [], isError: true, cache: { ttl: '5m' } }),
      ],
      tools: [LOOK],
    });
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ text: 'Where?' }] },
      {
        role: 'assistant',
        content: [{ toolUse: { toolUseId: 'call_1', name: 'look', input: { at: 'Rome' } } }],
      },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'call_1', content: [{ text: 'Sun' }] } },
          { toolResult: { toolUseId: 'call_2', content: [], status: 'error' } },
          { cachePoint: { type: 'default' } },
          { text: 'Well?' },
        ],
      },
    ]);
  });

  test('names a call the same in both places where Bedrock does not take its id', () => {
    const id = 'functions.look:0';
    const { body } = write({
      turns: [
        { role: 'assistant', parts: [{ kind: 'tool_call', id, name: 'look', arguments: '{}' }] },
        user({ kind: 'tool_result', callId: id, parts: [], isError: false }),
      ],
    });
    const ids = /"toolUseId":"(\w+)".*"toolUseId":"(\w+)"/.exec(JSON.stringify(body['messages']));
    expect(ids?.[1]).toMatch(/^tooluse_\w+$/);
    expect(ids?.[1]).toBe(ids?.[2]);
  });

  test('gives reasoning back only with a signature of Claude’s', () => {
    const thinking = (of: 'anthropic' | 'gemini' | null): Part => ({
      kind: 'thinking',
      text: 'Hm.',
      signature: of === null ? null : { of, value: 'c2ln' },
    });
    const redacted: Part = {
      kind: 'thinking',
      text: '',
      signature: { of: 'anthropic', value: 'eA==' },
      redacted: true,
    };
    const { body, warnings } = write({
      turns: [{ role: 'assistant', parts: [thinking('anthropic'), thinking('gemini'), thinking(null), redacted] }],
    });
    expect(body['messages']).toEqual([
      {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'Hm.', signature: 'c2ln' } } },
          { reasoningContent: { redactedContent: 'eA==' } },
        ],
      },
    ]);
    expect(warnings).toEqual(['dropped messages[0].content[1]', 'dropped messages[0].content[2]']);
  });

  test('gives no blank text, and no message without content', () => {
    const { body, warnings } = write({
      turns: [user(text('')), { role: 'assistant', parts: [text(' ')] }, user(text('a'))],
    });
    expect(body['messages']).toEqual([{ role: 'user', content: [{ text: 'a' }] }]);
    expect(warnings).toEqual(['dropped messages[1].content[0]']);
  });

  test('gives arguments that are no object in one', () => {
    const { body, warnings } = write({
      turns: [{ role: 'assistant', parts: [{ kind: 'tool_call', id: 'a', name: 'b', arguments: '{"cut' }] }],
    });
    expect(JSON.stringify(body['messages'])).toContain('"input":{"arguments":"{\\"cut"}');
    expect(warnings).toEqual(['approximated messages[0].content[0]']);
  });
});

describe('media', () => {
  test('go as bytes with their format, documents with names of their own', () => {
    const image: Part = { kind: 'image', source: { kind: 'base64', data: 'iVBORw0KGgo=' }, mediaType: null };
    const file = (filename: string): Part => ({
      kind: 'file',
      source: { kind: 'base64', data: 'JVBERi0=' },
      mediaType: 'application/pdf',
      filename,
    });
    const note: Part = { kind: 'file', source: { kind: 'text', text: 'Hi' }, mediaType: null };
    const film: Part = { kind: 'video', source: { kind: 'url', url: 's3://films/a.mp4' }, mediaType: 'video/mp4' };
    const { body } = write({ turns: [user(image, file('Q1_report.v2.pdf'), file('Q1 report v2.pdf'), note, film)] });
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } },
          { document: { format: 'pdf', name: 'Q1 report v2', source: { bytes: 'JVBERi0=' } } },
          { document: { format: 'pdf', name: 'Q1 report v2 (2)', source: { bytes: 'JVBERi0=' } } },
          { document: { format: 'txt', name: 'document', source: { bytes: 'SGk=' } } },
          { video: { format: 'mp4', source: { s3Location: { uri: 's3://films/a.mp4' } } } },
        ],
      },
    ]);
  });

  test.each([
    ['by URL', { kind: 'url', url: 'https://example.com/a.png' }, 'image/png'],
    ['of a type that Bedrock does not take', { kind: 'base64', data: 'AAAA' }, 'image/tiff'],
    ['of a type that nobody knows', { kind: 'base64', data: 'AAAA' }, null],
    ['that lie at another provider', { kind: 'id', id: 'file-1', of: 'openai' }, 'image/png'],
  ] as const)('%s are refused with the field named', (_why, source, mediaType) => {
    const turns = [user(text('See:'), { kind: 'image', source, mediaType })];
    expect(() => write({ turns })).toThrow(RequestFault);
    expect(() => write({ turns })).toThrow(expect.objectContaining({ field: 'messages[0].content[1]' }));
  });
});

describe('parameters', () => {
  test('stand in inferenceConfig, and what Converse does not know in the model’s own fields', () => {
    const { body, warnings } = write({ outputTokensMax: 100, temperature: 1.5, topP: 0.9, topK: 40, stop: ['END'] });
    expect(body).toMatchObject({
      inferenceConfig: { maxTokens: 100, temperature: 1, topP: 0.9, stopSequences: ['END'] },
      additionalModelRequestFields: { top_k: 40 },
      additionalModelResponseFieldPaths: ['/stop_sequence', '/delta/stop_sequence'],
    });
    expect(warnings).toEqual(['approximated temperature']);
    const nova = write({ topK: 40 }, {}, 'us.amazon.nova-pro-v1:0');
    expect(nova.body['additionalModelRequestFields']).toEqual({ inferenceConfig: { topK: 40 } });
  });

  test('without a place are reported', () => {
    const { warnings } = write({
      choices: 2,
      seed: 1,
      presencePenalty: 1,
      frequencyPenalty: 0,
      logprobs: { top: 2 },
      logitBias: { 5: 1 },
      user: 'u',
      cacheKey: 'k',
      extra: { store: true, gone: null },
    });
    expect(warnings).toEqual(
      ['store', 'n', 'seed', 'presence_penalty', 'logprobs', 'logit_bias', 'user'].map((field) => `dropped ${field}`),
    );
  });

  test('of Bedrock’s own go out as they came, without overriding', () => {
    const extra = {
      guardrailConfig: { guardrailIdentifier: 'g' },
      messages: 'no',
      additionalModelRequestFields: { top_k: 1, other: 2 },
    };
    const { body } = write({ extra, extraOf: 'bedrock', topK: 40 });
    expect(body['guardrailConfig']).toEqual({ guardrailIdentifier: 'g' });
    expect(body['messages']).toHaveLength(1);
    expect(body['additionalModelRequestFields']).toEqual({ top_k: 40, other: 2 });
  });
});

describe('reasoning', () => {
  const asked = { enabled: true, effort: null, budgetTokens: null, show: null };
  const fieldsOf = (written: Written): unknown => written.body['additionalModelRequestFields'];

  test('is Claude’s thinking with a budget below all output, without sampling', () => {
    const written = write({
      reasoning: { ...asked, budgetTokens: 9000 },
      outputTokensMax: 4000,
      temperature: 0.2,
      topK: 5,
    });
    expect(fieldsOf(written)).toEqual({ thinking: { type: 'enabled', budget_tokens: 3999 } });
    expect(written.body['inferenceConfig']).toEqual({ maxTokens: 4000 });
    expect(written.warnings).toEqual(['approximated reasoning', 'dropped temperature', 'dropped top_k']);
  });

  test('that fits as asked is not reported', () => {
    expect(write({ reasoning: { ...asked, budgetTokens: 2000 } }).warnings).toEqual([]);
  });

  test('is left out where it cannot be, with a report', () => {
    const tight = write({ reasoning: { ...asked, effort: 'low' }, outputTokensMax: 1000 });
    const forced = write({ reasoning: { ...asked, effort: 'low' }, tools: [LOOK], toolChoice: { kind: 'required' } });
    for (const written of [tight, forced]) {
      expect(fieldsOf(written)).toBeUndefined();
      expect(written.warnings).toEqual(['dropped reasoning']);
    }
  });

  test('is adaptive where the model is', () => {
    const written = write({ reasoning: { ...asked, effort: 'high', show: true } }, { reasoningStyle: 'adaptive' });
    expect(fieldsOf(written)).toEqual({
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: 'high' },
    });
    expect(written.warnings).toEqual([]);
  });

  test('is asked for in the words of the model’s maker', () => {
    const reasoning = { ...asked, effort: 'low' };
    expect(fieldsOf(write({ reasoning }, {}, 'us.amazon.nova-2-lite-v1:0'))).toEqual({
      reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' },
    });
    expect(fieldsOf(write({ reasoning }, {}, 'openai.gpt-oss-120b-1:0'))).toEqual({ reasoning_effort: 'low' });
    expect(write({ reasoning }, {}, 'meta.llama3-70b-instruct-v1:0').warnings).toEqual(['dropped reasoning']);
  });

  test('that is switched off is told only to a model that can reason', () => {
    const reasoning = { ...asked, enabled: false };
    expect(fieldsOf(write({ reasoning }, { reasoning: true }))).toEqual({ thinking: { type: 'disabled' } });
    expect(fieldsOf(write({ reasoning }))).toBeUndefined();
  });
});

test('any request is written, or refused with a field', () => {
  const target = fc.record({
    name: fc.constantFrom(CLAUDE, 'amazon.nova-lite-v1:0', 'openai.gpt-oss-20b-1:0', 'arn:aws:bedrock:eu:1:profile/x'),
    traits: fc.record({
      ...Object.fromEntries(Object.keys(UNKNOWN_TRAITS).map((key) => [key, fc.option(fc.boolean())])),
      contextTokens: fc.constant(null),
      outputTokensMax: fc.constant(null),
      reasoningStyle: fc.option(fc.constantFrom('budget', 'adaptive', 'effort')),
    }) as fc.Arbitrary<ModelTraits>,
  });
  fc.assert(
    fc.property(chatRequest, target, (request, model) => {
      try {
        const body = bedrockProvider.writeChat(request, model, new Report());
        // As text: JSON has no -0.
        expect(JSON.stringify(JSON.parse(JSON.stringify(body)))).toBe(JSON.stringify(body));
        const roles = (body['messages'] as JsonRecord[]).map(({ role }) => role);
        if (request.extraOf !== 'bedrock') expect(roles.every((role, i) => role !== roles[i - 1])).toBe(true);
        const hasBlocks = /"tool(Use|Result)":/.test(JSON.stringify(body['messages']));
        if (hasBlocks) expect(body).toHaveProperty('toolConfig');
      } catch (fault) {
        if (!(fault instanceof RequestFault)) throw fault;
        expect(fault.field).toMatch(/^(?:(?:messages|input|contents)\[\d+\]|system|instructions)/);
      }
    }),
    { numRuns: 500 },
  );
});

test('the path has the model’s id encoded, as AWS wants it', () => {
  expect(conversePath(CLAUDE, false)).toBe('/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse');
  expect(conversePath('arn:aws:bedrock:us-east-1:1:application-inference-profile/a', true)).toBe(
    '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fa/converse-stream',
  );
  expect(countTokensPath("a'(b)")).toBe('/model/a%27%28b%29/count-tokens');
});

test('a question for the number of tokens has the conversation and the tools', () => {
  const target = { name: CLAUDE, traits: UNKNOWN_TRAITS };
  const request = { ...PLAIN_REQUEST, tools: [LOOK], outputTokensMax: 5 };
  const body = bedrockProvider.tokenCount?.write(request, target, new Report());
  expect(Object.keys(recordOf(recordOf(body?.['input'])['converse']))).toEqual(['messages', 'toolConfig']);
});
