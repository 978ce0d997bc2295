/** Scanners: whoever may report leaked keys, and signs as the product expects it. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';

export interface SignedBody {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A key pair as GitHub has one, and reports signed with it. */
export function createGithub(keyId = 'f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    keyId,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    report: (tokens: readonly string[]): SignedBody => {
      const url = 'https://github.com/octocat/Hello-World/blob/1234/foo/bar.txt?token=x';
      const found = tokens.map((token) => ({ token, type: 'keyward_api_key', url, source: 'content' }));
      const body = JSON.stringify(found);
      const signature = sign('sha256', Buffer.from(body), { key: privateKey, dsaEncoding: 'der' });
      return {
        body,
        headers: {
          'content-type': 'application/json',
          'github-public-key-identifier': keyId,
          'github-public-key-signature': signature.toString('base64'),
        },
      };
    },
  };
}

/** A report of another scanner. */
export function signedReport(secret: string, tokens: readonly string[], nowMs: number): SignedBody {
  const body = JSON.stringify({ leaks: tokens.map((token) => ({ token, url: 'https://paste.example/abc' })) });
  const seconds = Math.floor(nowMs / 1000);
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { body, headers: { 'content-type': 'application/json', 'x-keyward-signature': `t=${seconds},v1=${mac}` } };
}
