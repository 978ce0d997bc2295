import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Budget, Limits, Scopes } from './constraints.ts';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import { widens } from './delegation-widens.ts';

function scoped(scopes: Partial<Scopes>) {
  return { scopes: { ...NO_SCOPES, ...scopes }, limits: NO_LIMITS };
}

function limited(limits: Partial<Limits>) {
  return { scopes: NO_SCOPES, limits: { ...NO_LIMITS, ...limits } };
}

function budget(nanoUsd: number, more: Partial<Budget> = {}): Budget {
  return { nanoUsd, period: 'day', window: 'calendar', timeZone: 'UTC', kind: 'hard', ...more };
}

describe('a child is told to be wider than its parent', () => {
  test.each<[keyof Scopes, Partial<Scopes>, Partial<Scopes>]>([
    ['models', { models: ['house/tiny'] }, { models: ['house/big'] }],
    ['models', { models: ['house/tiny', 'other/x'] }, { models: ['house/*'] }],
    ['models', { models: ['*'] }, { models: ['house/*'] }],
    ['models', { models: ['house/*'] }, { models: ['house/tiny', 'house/big'] }],
    ['models', { models: ['house/tiny'] }, { models: [] }],
    ['services', { services: ['a'] }, { services: ['b'] }],
    ['operations', { operations: ['chat', 'embeddings'] }, { operations: ['chat'] }],
    ['tools', { tools: ['a'] }, { tools: ['A'] }],
    ['countries', { countries: ['DE'] }, { countries: ['FR'] }],
    ['endpoints', { endpoints: ['POST /v1/chat/completions'] }, { endpoints: ['GET /v1/*'] }],
    ['endpoints', { endpoints: ['* /v1/models'] }, { endpoints: ['GET /v1/*'] }],
    ['addresses', { addresses: ['10.0.0.0/8'] }, { addresses: ['10.0.0.0/16'] }],
    ['addresses', { addresses: ['192.0.2.1'] }, { addresses: ['2001:db8::/32'] }],
    ['addresses', { addresses: ['2001:db8::/31'] }, { addresses: ['2001:db8::/32'] }],
    ['addresses', { addresses: ['0.0.0.0/0'] }, { addresses: ['10.0.0.0/8'] }],
  ])('in %s: case %#', (name, child, parent) => {
    expect(widens(scoped(child), scoped(parent))).toBe(name);
  });

  test('in any number, and in a budget of the same kind', () => {
    expect(widens(limited({ uses: 5 }), limited({ uses: 4 }))).toBe('uses');
    expect(widens(limited({ costPerCallMax: 2 }), limited({ costPerCallMax: 1 }))).toBe('costPerCallMax');
    expect(widens(limited({ budgets: [budget(2)] }), limited({ budgets: [budget(1)] }))).toBe('budgets');
  });
});

describe('a child is not told to be wider', () => {
  test.each<[Partial<Scopes>, Partial<Scopes>]>([
    [{ models: ['house/tiny'] }, { models: ['house/*'] }],
    [{ models: ['house/t*'] }, { models: ['other/x', 'house/*'] }],
    [{ models: [] }, { models: ['house/*'] }],
    [{ endpoints: ['POST /v1/chat/*'] }, { endpoints: ['* /v1/*'] }],
    [{ addresses: ['10.1.0.0/16', '2001:db8::1'] }, { addresses: ['10.0.0.0/8', '2001:db8::/32'] }],
    [{ addresses: ['10.0.0.0/24'] }, { addresses: ['10.0.0.0/25', '10.0.0.128/25'] }],
  ])('by scopes inside its parent’s: case %#', (child, parent) => {
    expect(widens(scoped(child), scoped(parent))).toBeNull();
  });

  test('by what it leaves out, nor where its parent is not narrowed', () => {
    const narrow = { scopes: { ...NO_SCOPES, models: ['a'] }, limits: { ...NO_LIMITS, uses: 1, budgets: [budget(1)] } };
    const nothing = { scopes: NO_SCOPES, limits: NO_LIMITS };
    expect(widens(nothing, narrow)).toBeNull();
    expect(widens(narrow, nothing)).toBeNull();
  });

  test('by the same or smaller numbers, or a budget of another kind', () => {
    expect(widens(limited({ uses: 4 }), limited({ uses: 4 }))).toBeNull();
    expect(widens(limited({ budgets: [budget(9, { period: 'hour' })] }), limited({ budgets: [budget(1)] }))).toBeNull();
    expect(widens(limited({ budgets: [budget(9), budget(1)] }), limited({ budgets: [budget(1)] }))).toBeNull();
  });

  test('than itself', () => {
    const models = fc.array(fc.stringMatching(/^[a-z*/]{1,8}$/), { maxLength: 4 });
    const addresses = fc.array(fc.constantFrom('10.0.0.0/8', '::/0', '2001:db8::1', '192.0.2.0/31', '0.0.0.0/0'));
    fc.assert(
      fc.property(models, addresses, fc.integer({ min: 1 }), (some, blocks, uses) => {
        const same = { scopes: { ...NO_SCOPES, models: some, addresses: blocks }, limits: { ...NO_LIMITS, uses } };
        expect(widens(same, same)).toBeNull();
      }),
    );
  });
});
