import { describe, expect, test } from 'vitest';
import type { ChatRequest, Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { ModelTraits } from '../model-traits.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { PLAIN_REQUEST } from '../openai/chat-arbitraries.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { mistralProvider } from './provider-codec.ts';

function write(
  request: Partial<ChatRequest>,
  traits: Partial<ModelTraits> = {},
): { readonly body: JsonRecord; readonly lost: readonly string[] } {
  const report = new Report();
  const target = { name: 'mistral-large', traits: { ...UNKNOWN_TRAITS, ...traits } };
  const body = mistralProvider.writeChat({ ...PLAIN_REQUEST, ...request }, target, report);
  return { body, lost: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

const text = (value: string): Part => ({ kind: 'text', text: value });
const call = (id: string): Part => ({ kind: 'tool_call', id, name: 'f', arguments: '{}' });
const result = (callId: string): Part => ({
  kind: 'tool_result',
  callId,
  name: 'f',
  parts: [text('r')],
  isError: false,
});
const tool = (name: string) => ({ kind: 'function', name, description: null, parameters: null, strict: null }) as const;

describe('a request for Mistral', () => {
  test('speaks its words, and sends nothing that it does not know', () => {
    const { body, lost } = write({
      turns: [
        { role: 'developer', parts: [text('Be brief.')] },
        { role: 'user', parts: [text('Hi')], name: 'ann' },
      ],
      outputTokensMax: 9,
      seed: 7,
      temperature: 0.3,
      choices: 2,
      topK: 4,
      logitBias: { '1': 2 },
      logprobs: { top: 1 },
      user: 'u',
      cacheKey: 'k',
      tools: [tool('f')],
      toolChoice: { kind: 'required' },
      extra: { store: true },
    });
    expect(body).toEqual({
      model: 'mistral-large',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      stream: true,
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'any',
      max_tokens: 9,
      n: 2,
      temperature: 0.3,
      random_seed: 7,
    });
    expect(new Set(lost)).toEqual(
      new Set(
        ['store', 'messages[1].name', 'top_k', 'logit_bias', 'logprobs', 'user'].map((field) => `dropped ${field}`),
      ),
    );
  });

  test('gives calls and their results ids of nine letters or digits, the same in both places', () => {
    const turns: Turn[] = [
      { role: 'assistant', parts: [call('toolu_01A'), call('gSIMJiOkT')] },
      { role: 'user', parts: [result('toolu_01A'), result('gSIMJiOkT')] },
    ];
    const written = JSON.stringify(write({ turns }).body['messages']);
    const ids = [...written.matchAll(/"(?:id|tool_call_id)":"([^"]+)"/g)].map(([, id]) => id);
    expect(ids.every((id) => /^[a-zA-Z0-9]{9}$/.test(id ?? ''))).toBe(true);
    expect(ids.slice(0, 2)).toEqual(ids.slice(2));
    expect(ids[1]).toBe('gSIMJiOkT');
  });

  test('puts a word of the assistant between a result and what the user says', () => {
    const turns: Turn[] = [
      { role: 'assistant', parts: [call('gSIMJiOkT')] },
      { role: 'user', parts: [result('gSIMJiOkT'), text('and?')] },
    ];
    const { body, lost } = write({ turns });
    expect(body['messages']).toMatchObject([
      { role: 'assistant' },
      { role: 'tool', name: 'f' },
      { role: 'assistant', content: 'OK.' },
      { role: 'user', content: 'and?' },
    ]);
    expect(lost).toEqual(['approximated messages']);
  });

  test('takes instructions at the beginning only, and no message that says nothing', () => {
    const turns: Turn[] = [
      { role: 'system', parts: [text('Be brief.')] },
      { role: 'user', parts: [text('Hi')] },
      { role: 'assistant', parts: [] },
      { role: 'assistant', parts: [text('Hello.')] },
      { role: 'system', parts: [text('Now in French.')] },
      { role: 'user', parts: [text('Go on.')] },
    ];
    const { body, lost } = write({ turns });
    expect(body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello.' },
      { role: 'user', content: 'Now in French.' },
      { role: 'user', content: 'Go on.' },
    ]);
    expect(lost).toEqual(['approximated messages']);
    expect(write({ turns: turns.slice(0, 1) }).body['messages']).toMatchObject([{ role: 'user' }]);
  });

  test('marks the beginning of the answer', () => {
    const turns: Turn[] = [
      { role: 'user', parts: [text('Hi')] },
      { role: 'assistant', parts: [text('Once')] },
    ];
    expect(write({ turns }).body['messages']).toMatchObject([{}, { content: 'Once', prefix: true }]);
  });

  test('takes shown reasoning back as chunks, where the model reasons', () => {
    const thinking: readonly Part[] = [
      { kind: 'thinking', text: 'Hm.', signature: null },
      { kind: 'thinking', text: '', signature: { of: 'anthropic', value: 'SECRET' }, redacted: true },
      text('Yes.'),
    ];
    const turns: Turn[] = [
      { role: 'assistant', parts: thinking },
      { role: 'user', parts: [text('Go on')] },
    ];
    const reasons = write({ turns }, { reasoning: true });
    expect(reasons.body['messages']).toMatchObject([
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
          { type: 'text', text: 'Yes.' },
        ],
      },
      {},
    ]);
    expect(reasons.lost).toEqual(['dropped messages[0].reasoning_content']);
    expect(write({ turns }).body['messages']).toMatchObject([{ content: 'Yes.' }, {}]);
    expect(JSON.stringify([reasons.body, write({ turns }).body])).not.toContain('SECRET');
  });

  test('tells an effort only to models that are known to take one', () => {
    const reasoning = { enabled: true, effort: 'high', budgetTokens: null, show: null };
    expect(write({ reasoning }, { reasoning: true, reasoningStyle: 'effort' }).body).toMatchObject({
      reasoning_effort: 'high',
    });
    expect(write({ reasoning }, { reasoning: true }).lost).toEqual(['approximated reasoning_effort']);
    expect(write({ reasoning }).lost).toEqual(['dropped reasoning_effort']);
  });

  test('leaves out the tools that are not allowed', () => {
    const { body, lost } = write({
      tools: [tool('a'), tool('b'), { kind: 'custom', name: 'b2', description: null }],
      toolChoice: { kind: 'allowed', names: ['b', 'b2'], required: true },
    });
    expect(body).toMatchObject({
      tools: [{ function: { name: 'b' } }, { function: { name: 'b2', parameters: { required: ['input'] } } }],
      tool_choice: 'any',
    });
    expect(lost).toEqual(['approximated tool_choice', 'approximated tools[2]']);
  });

  test('has media in its own forms', () => {
    const content = (part: Part) => {
      const { body } = write({ turns: [{ role: 'user', parts: [part] }] });
      return (body['messages'] as readonly { readonly content: unknown }[])[0]?.content;
    };
    const pdf = { kind: 'base64', data: 'QUJD' } as const;
    expect(content({ kind: 'file', source: pdf, mediaType: null, filename: 'a.pdf' })).toEqual([
      { type: 'document_url', document_url: 'data:application/pdf;base64,QUJD', document_name: 'a.pdf' },
    ]);
    expect(content({ kind: 'audio', source: pdf, mediaType: 'audio/wav' })).toEqual([
      { type: 'input_audio', input_audio: 'QUJD' },
    ]);
    expect(content({ kind: 'file', source: { kind: 'text', text: 'plain' }, mediaType: null })).toBe('plain');
    expect(() => content({ kind: 'video', source: pdf, mediaType: null })).toThrow(RequestFault);
  });
});

test('an answer of Mistral tells reasoning apart from text, and a call without a type', () => {
  const answer = mistralProvider.readChat({
    id: 'a',
    choices: [
      {
        message: {
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
            { type: 'text', text: 'Yes.' },
          ],
          tool_calls: [{ id: 'gSIMJiOkT', function: { name: 'f', arguments: '' } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 5, completion_tokens: 3, num_cached_tokens: 2 },
  });
  expect(answer.usage).toMatchObject({ cachedInputTokens: 2 });
  expect(answer.choices[0]?.parts).toEqual([
    { kind: 'thinking', text: 'Hm.', signature: null },
    { kind: 'text', text: 'Yes.' },
    { kind: 'tool_call', id: 'gSIMJiOkT', name: 'f', arguments: '{}' },
  ]);
});
