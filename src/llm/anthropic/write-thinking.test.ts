import { describe, expect, test } from 'vitest';
import type { Part } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { call, result, say, thinking, tool, write } from './request-fixture.ts';

describe('thinking', () => {
  const effort = (word: string | null) => ({ enabled: true, effort: word, budgetTokens: null, show: null });
  const budget = (tokens: number) => ({ enabled: true, effort: null, budgetTokens: tokens, show: true });
  const manual = { reasoningStyle: 'budget' } as const;

  test.each([
    ['adaptive', effort('high'), { type: 'adaptive' }, 'high', []],
    ['adaptive', effort('minimal'), { type: 'adaptive' }, 'low', ['approximated reasoning']],
    ['adaptive', budget(9000), { type: 'adaptive', display: 'summarized' }, 'medium', ['approximated reasoning']],
    ['budget', effort('low'), { type: 'enabled', budget_tokens: 4096 }, undefined, ['approximated reasoning']],
    ['budget', budget(2000), { type: 'enabled', budget_tokens: 2000, display: 'summarized' }, undefined, []],
    [null, budget(2000), { type: 'enabled', budget_tokens: 2000, display: 'summarized' }, undefined, []],
    [null, effort('max'), { type: 'adaptive' }, 'max', []],
    [null, { ...effort('none'), enabled: false }, { type: 'disabled' }, undefined, []],
  ] as const)('of style %s: %j becomes %j with the effort %s', (style, reasoning, member, word, told) => {
    const { body, warnings } = write({ reasoning }, { reasoningStyle: style });
    expect(body['thinking']).toEqual(member);
    expect((body['output_config'] as JsonRecord | undefined)?.['effort']).toBe(word);
    expect(warnings).toEqual(told);
  });

  test.each([
    [{ outputTokensMax: 3000, reasoning: budget(5000) }, {}, 3000, 2400],
    [{ outputTokensMax: 1100, reasoning: budget(5000) }, {}, 1100, 1024],
    [{ outputTokensMax: null, reasoning: budget(5000) }, {}, 9096, 5000],
    [{ outputTokensMax: 3000, reasoning: budget(10) }, {}, 3000, 1024],
    [{ outputTokensMax: null, reasoning: budget(90_000) }, { outputTokensMax: 64_000 }, 64_000, 51_200],
  ])('%j of a model of %j fits: %i and %i', (request, traits, maxTokens, budgetTokens) => {
    const { body } = write(request, { ...manual, ...traits });
    expect(body).toMatchObject({ max_tokens: maxTokens, thinking: { budget_tokens: budgetTokens } });
  });

  test('a caller who allows too few tokens gets an answer without thinking', () => {
    const { body, warnings } = write({ outputTokensMax: 1000, reasoning: budget(2000) }, manual);
    expect(body).toMatchObject({ max_tokens: 1000 });
    expect(body).not.toHaveProperty('thinking');
    expect(warnings).toEqual(['dropped reasoning']);
  });

  test('a forced tool switches a budget off, and leaves the model that decides itself alone', () => {
    const request = { tools: [tool('f')], toolChoice: { kind: 'required' } as const };
    const off = write({ ...request, reasoning: budget(2000) }, manual);
    expect(off.body).not.toHaveProperty('thinking');
    expect(off.warnings).toEqual(['dropped reasoning']);
    const on = write({ ...request, reasoning: effort('low') }, { reasoningStyle: 'adaptive' });
    expect(on.body).toMatchObject({ thinking: { type: 'adaptive' }, tool_choice: { type: 'any' } });
  });

  test('an answer that goes on after its tools must have begun with thinking', () => {
    const going = (...first: readonly (Part | string)[]) => ({
      reasoning: budget(2000),
      turns: [
        say('user', 'q'),
        say('assistant', ...first),
        say('user', result('a', '1')),
        say('assistant', call('b')),
        say('user', result('b', '2')),
      ],
    });
    expect(write(going(thinking('anthropic'), call('a')), manual).body).toHaveProperty('thinking');
    expect(write(going(call('a')), manual)).toMatchObject({ warnings: ['dropped reasoning'] });
    const ended = {
      ...going(call('a')),
      turns: [...going(call('a')).turns, say('assistant', 'done'), say('user', 'next')],
    };
    expect(write(ended, manual).body).toHaveProperty('thinking');
  });

  test('sampling does not go with thinking', () => {
    const { body, warnings } = write({ reasoning: effort('low'), temperature: 0.3, topP: 0.97, topK: 2 });
    expect(body).toMatchObject({ top_p: 0.97 });
    expect(warnings).toEqual(['dropped temperature', 'dropped top_k']);
  });
});
