import { createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readServiceAccount, requestGoogleToken } from './google-token.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const FILE = JSON.stringify({
  type: 'service_account',
  client_email: 'gate@acme.iam.example',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  token_uri: 'https://oauth2.example/token',
});

describe('a service account', () => {
  test('signs a statement of an hour that its public key proves, and gets a token for it', async () => {
    const account = readServiceAccount(FILE);
    if (account === null) throw new Error('not read');
    const posted: string[] = [];
    const result = await requestGoogleToken(account, 'the-scope', 1_790_000_000_000, async (url, body) => {
      posted.push(url, body);
      return { status: 200, body: '{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}' };
    });
    expect(result).toEqual({ ok: true, token: 'ya29.x', expiresAtMs: 1_790_000_000_000 + 3_599_000 });
    expect(posted[0]).toBe('https://oauth2.example/token');
    const jwt = new URLSearchParams(posted[1]).get('assertion') ?? '';
    const [head = '', claims = '', signature = ''] = jwt.split('.');
    const isProven = createVerify('RSA-SHA256')
      .update(`${head}.${claims}`)
      .verify(publicKey, Buffer.from(signature, 'base64url'));
    expect(isProven).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      iss: 'gate@acme.iam.example',
      scope: 'the-scope',
      aud: 'https://oauth2.example/token',
      iat: 1_790_000_000,
      exp: 1_790_003_600,
    });
  });

  test.each([
    [400, true],
    [401, true],
    [503, false],
  ])('that is answered with %d is rejected: %s', async (status, isRejected) => {
    const account = readServiceAccount(FILE);
    if (account === null) throw new Error('not read');
    const result = await requestGoogleToken(account, 's', 0, async () => ({ status, body: '{}' }));
    expect(result).toMatchObject({ ok: false, isRejected });
  });

  test.each(['', 'ya29.token', '{', '{}', '[]', '{"client_email":"x","private_key":"no key"}'])(
    'is not read from %j',
    (text) => {
      expect(readServiceAccount(text)).toBeNull();
    },
  );
});
