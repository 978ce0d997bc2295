import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRequestHead } from './request-head.ts';

const HOST = ['host', 'localhost:8080'];

function codeOf(target: string, headers: readonly string[] = HOST): string {
  const head = readRequestHead({ target, headers });
  return 'code' in head ? head.code : 'ok';
}

describe('the request target', () => {
  test.each([
    ['/v1/chat/completions', 'ok'],
    ['/v1beta/models/sandbox%2Fecho:generateContent?alt=sse', 'ok'],
    ['/v1/models?after=%E6%A8%A1', 'ok'],
    ['/a.b/c..d', 'ok'],
    ['http://evil.example/v1/models', 'invalid_target'],
    ['evil.example:443', 'invalid_target'],
    ['*', 'invalid_target'],
    ['', 'invalid_target'],
    ['//healthz/x', 'invalid_target'],
    ['/v1//models', 'invalid_target'],
    ['/v1/../healthz', 'invalid_target'],
    ['/v1/./models', 'invalid_target'],
    ['/v1/..', 'invalid_target'],
    ['/v1/%2e%2e/models', 'invalid_target'],
    ['/v1/%2E./models', 'invalid_target'],
    ['/v1/..%2fhealthz', 'invalid_target'],
    ['/v1\\models', 'invalid_target'],
    ['/v1/%5cmodels', 'invalid_target'],
    ['/v1/%00', 'invalid_target'],
    ['/v1/%0d%0aX: y', 'invalid_target'],
    ['/v1/a b', 'invalid_target'],
    ['/v1/é', 'invalid_target'],
    ['/v1/%zz', 'invalid_target'],
    ['/v1/models#x', 'invalid_target'],
    [`/${'a'.repeat(9000)}`, 'invalid_target'],
  ])('%s → %s', (target, code) => {
    expect(codeOf(target)).toBe(code);
  });

  test('what is accepted is used as it was sent, split once at the first question mark', () => {
    const head = readRequestHead({ target: '/v1/models?a=1?b=/../c', headers: HOST });
    expect(head).toMatchObject({ path: '/v1/models', query: 'a=1?b=/../c' });
  });

  test('no accepted path changes when a URL parser normalises it', () => {
    const segment = fc.string({ unit: fc.constantFrom('a', '.', '%2e', '%2E', '/', '%', '\\', '%2f', '-', '5') });
    fc.assert(
      fc.property(segment, (text) => {
        const target = `/${text}`;
        const head = readRequestHead({ target, headers: HOST });
        if ('code' in head) return;
        expect(new URL(`http://h${target}`).pathname).toBe(head.path);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the Host line', () => {
  test.each([
    ['localhost', 'ok'],
    ['a.example:8080', 'ok'],
    ['127.0.0.1:1', 'ok'],
    ['[::1]:8080', 'ok'],
    ['my_service', 'ok'],
    ['', 'invalid_host'],
    ['a,b', 'invalid_host'],
    ['user@a', 'invalid_host'],
    ['a/path', 'invalid_host'],
    ['a?x', 'invalid_host'],
    ['a#x', 'invalid_host'],
    ['a\\b', 'invalid_host'],
    ['a b', 'invalid_host'],
    ['a:99999', 'invalid_host'],
    ['a:', 'invalid_host'],
    [':80', 'invalid_host'],
    ['[::1', 'invalid_host'],
    ['::1', 'invalid_host'],
    ['-a', 'invalid_host'],
  ])('%j → %s', (host, code) => {
    expect(codeOf('/healthz', ['host', host])).toBe(code);
  });

  test('is needed, and needed once', () => {
    expect(codeOf('/healthz', [])).toBe('invalid_host');
    expect(codeOf('/healthz', ['host', 'a', 'host', 'a'])).toBe('invalid_host');
  });
});

describe('header lines that programs read differently are refused', () => {
  test.each([
    [['authorization', 'Bearer a', 'authorization', 'Bearer a'], 'multiple_credentials'],
    [['x-api-key', 'a', 'x-api-key', 'b'], 'multiple_credentials'],
    [['content-type', 'application/json', 'content-type', 'text/plain'], 'unsupported_media_type'],
  ])('%j → %s', (lines, code) => {
    expect(codeOf('/healthz', [...HOST, ...lines])).toBe(code);
  });

  test('an underscore is no dash', () => {
    const head = readRequestHead({
      target: '/x',
      headers: [...HOST, 'x_api_key', 'a', 'content_type', 'text/plain'],
    });
    expect(head).toMatchObject({ xApiKey: null, contentType: null });
  });
});
