import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { inOtherEnvironment, unknownKey, withWrongSecret } from '../forged-key.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

let product: Product;
const keys: Record<string, string> = {};

beforeAll(async () => {
  product = await startProduct();
  const active = await createKey(product);
  const revoked = await createKey(product);
  const revocation = await product.admin('POST', `/keys/${revoked.kid}/revoke`, {});
  expect(revocation.status).toBe(200);
  keys['unknown key id'] = unknownKey();
  keys['wrong secret'] = withWrongSecret(active.kid);
  keys['wrong environment'] = inOtherEnvironment(active.key);
  keys['wrong secret of a revoked key'] = withWrongSecret(revoked.kid);
  keys['revoked'] = revoked.key;
});
afterAll(() => product.dispose());

function send(dialect: ClientDialectName, key: string): Promise<RawAnswer> {
  const call = DIALECT_CALLS[dialect];
  return rawExchange(
    product.gatewayUrl,
    rawRequest(call.path('sandbox/echo', false), call.body('sandbox/echo', false), { key }),
  );
}

/** Every byte, but for what differs in any two answers. */
function normalised(answer: RawAnswer): string {
  const requestId = answer.headers['x-request-id'] ?? 'none';
  return answer.text.replaceAll(requestId, '(request id)').replace(/^date: .*$/im, 'date: (now)');
}

describe.each(Object.keys(DIALECT_CALLS) as ClientDialectName[])('in the %s dialect', (dialect) => {
  test('an unknown key id, a wrong secret, a wrong environment and a wrong secret of a revoked key get the same bytes', async () => {
    const expected = await send(dialect, keys['unknown key id'] ?? '');
    expect(expected.status).toBe(401);
    for (const name of ['wrong secret', 'wrong environment', 'wrong secret of a revoked key']) {
      const answer = await send(dialect, keys[name] ?? '');
      expect(normalised(answer), name).toBe(normalised(expected));
    }
  });

  test('a revoked key is told its state once its whole secret is proven', async () => {
    const answer = await send(dialect, keys['revoked'] ?? '');
    expect(answer.status).toBe(401);
    expect(answer.body).toContain('revoked');
  });
});

test('the operator’s record tells apart what the caller may not', async () => {
  const codes: string[] = [];
  for (const name of ['unknown key id', 'wrong secret', 'wrong environment']) {
    const answer = await send('openai', keys[name] ?? '');
    codes.push((await findCall(product, answer.headers['x-request-id'] ?? '')).code);
  }
  expect(codes.slice(0, 2)).toEqual(['unknown_key', 'secret_mismatch']);
  expect(['wrong_environment', 'secret_mismatch']).toContain(codes[2]);
});
