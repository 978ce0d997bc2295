import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateKey, generateSecret } from '../../src/keys/format.ts';
import { createGithub, signedReport } from '../leak-reports.ts';
import type { SignedBody } from '../leak-reports.ts';
import { TOKEN, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { delegate } from './delegate.ts';

const SECRET = 'a secret of thirty-two characters';

let admin: AdminFixture;
const github = createGithub();

beforeEach(async () => {
  admin = await createAdminFixture();
  admin.leaks.githubKeys = { [github.keyId]: github.pem };
  admin.leaks.secrets = [SECRET, 'another secret, that is older: thirty-two'];
});
afterEach(() => admin.dispose());

const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });
const alerts = async (query: object) => (await admin.client.call('alerts.list', { query })).items;
const post = (path: string, { body, headers }: SignedBody) => admin.send('POST', path, { token: null, body, headers });
const report = (tokens: readonly string[]) => post('/leaks/report', signedReport(SECRET, tokens, admin.clock.nowMs));

/** Everything that is left of a call: what is stored, what was logged. */
async function remains(): Promise<string> {
  const [audit, responses, told] = await Promise.all([
    admin.client.call('audit-events.list', { query: { limit: 500 } }),
    admin.client.call('responses.list'),
    admin.client.call('alerts.list'),
  ]);
  return JSON.stringify([audit, responses, told, admin.logged]);
}

/** Signed by the holder of a key, who has not been allowed to before. */
describe('a report of GitHub', () => {
  test('of a whole key suspends it on every worker before it is answered, and labels each token by its hash', async () => {
    const { kid, key } = await createKey();
    const stranger = generateKey({ type: 'kwk', environment: 'live' }).text;
    admin.fleet.asked.length = 0;
    const answer = await post('/leaks/github', github.report([key, stranger, 'no key at all']));
    expect(answer.status).toBe(200);
    const hash = (token: string) => createHash('sha256').update(token).digest('hex');
    expect(await answer.json()).toEqual([
      { token_hash: hash(key), token_type: 'keyward_api_key', label: 'true_positive' },
      { token_hash: hash(stranger), token_type: 'keyward_api_key', label: 'false_positive' },
      { token_hash: hash('no key at all'), token_type: 'keyward_api_key', label: 'false_positive' },
    ]);
    expect(await show(kid)).toMatchObject({ state: 'suspended', suspension: { automatic: true } });
    expect(admin.fleet.asked).toEqual([kid]);
    expect(await alerts({ kind: 'rule_leak' })).toMatchObject([{ severity: 'critical', subjectId: kid }]);
    const text = await remains();
    expect(text).toContain('https://github.com/octocat/Hello-World/blob/1234/foo/bar.txt');
    expect([text.includes(key), text.includes(key.slice(22, 65)), text.includes('?token=')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('that is forged in any way is refused alike, and does nothing', async () => {
    const { kid, key } = await createKey();
    const good = github.report([key]);
    const other = createGithub(github.keyId).report([key]);
    const signature = good.headers['github-public-key-signature'] ?? '';
    const forged: SignedBody[] = [
      other,
      { ...good, body: good.body.replace('content', 'commits') },
      { ...good, headers: { ...good.headers, 'github-public-key-identifier': 'unknown' } },
      { ...good, headers: { ...good.headers, 'github-public-key-identifier': '__proto__' } },
      { ...good, headers: { ...good.headers, 'github-public-key-signature': '' } },
      { ...good, headers: { ...good.headers, 'github-public-key-signature': `${signature.slice(0, -8)}AAAAAAA=` } },
      { ...good, headers: { ...good.headers, 'github-public-key-signature': 'x'.repeat(500) } },
      { body: good.body, headers: {} },
      { body: 'not even JSON', headers: good.headers },
    ];
    const answers = await Promise.all(forged.map(async (sent) => refusedAs(await post('/leaks/github', sent))));
    expect(new Set(answers)).toEqual(new Set(['401 leak_report_refused']));
    admin.leaks.githubKeys = {};
    expect(await refusedAs(await post('/leaks/github', good))).toBe('401 leak_report_refused');
    expect((await show(kid)).state).toBe('active');
  });
});

async function refusedAs(answer: Response): Promise<string> {
  const body = (await answer.json()) as { readonly code: string; readonly detail: string; readonly requestId: string };
  const { code, requestId: _id, ...rest } = body;
  refusals.add(JSON.stringify(rest));
  expect(refusals.size).toBeLessThanOrEqual(1);
  return `${answer.status} ${code}`;
}
const refusals = new Set<string>();

describe('a signed report', () => {
  test('of a whole key is taken with each of the secrets that the operator named', async () => {
    for (const secret of admin.leaks.secrets) {
      const { kid, key } = await createKey();
      const answer = await post('/leaks/report', signedReport(secret, [key], admin.clock.nowMs));
      expect([answer.status, await answer.json()]).toEqual([200, { leaks: [{ label: 'true_positive' }] }]);
      expect((await show(kid)).state).toBe('suspended');
    }
  });

  test('that is forged, old or from the future is refused alike', async () => {
    const { kid, key } = await createKey();
    const now = admin.clock.nowMs;
    const good = signedReport(SECRET, [key], now);
    const forged = [
      signedReport('a secret that nobody configured here', [key], now),
      signedReport(SECRET, [key], now - 301_000),
      signedReport(SECRET, [key], now + 301_000),
      { ...good, body: `${good.body} ` },
      { ...good, headers: {} },
      { ...good, headers: { 'x-keyward-signature': 't=1,v1=zz' } },
    ];
    const answers = await Promise.all(forged.map(async (sent) => refusedAs(await post('/leaks/report', sent))));
    expect(new Set(answers)).toEqual(new Set(['401 leak_report_refused']));
    expect((await show(kid)).state).toBe('active');
    expect((await post('/leaks/report', signedReport(SECRET, [key], now - 299_000))).status).toBe(200);
  });

  test('of a fingerprint or a wrong secret is a notice, answered like what is nothing at all', async () => {
    const { kid, key } = await createKey();
    const wrong = generateSecret({ type: 'kwk', environment: 'live', kid }).text;
    const tokens = [
      key.slice(0, 21),
      wrong,
      generateKey({ type: 'kwk', environment: 'live' }).text,
      'x',
      key.slice(0, 60),
    ];
    const answer = await report(tokens);
    expect(await answer.json()).toEqual({ leaks: tokens.map(() => ({ label: 'false_positive' })) });
    expect((await show(kid)).state).toBe('active');
    expect(await alerts({})).toMatchObject([{ kind: 'leak_reported', severity: 'info', subjectId: kid }]);
  });

  test('of a secret that is not accepted any more stops nothing', async () => {
    const { kid, key } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid }, body: { overlap: '0s' } });
    admin.clock.nowMs += 1000;
    expect(await (await report([key])).json()).toEqual({ leaks: [{ label: 'true_positive' }] });
    expect((await show(kid)).state).toBe('active');
  });

  test('of a key that no rule cares for raises an alert all the same', async () => {
    for (const { id, when } of (await admin.client.call('response-rules.list')).items) {
      if (when.kind === 'leak') {
        await admin.client.call('response-rules.update', { params: { id }, body: { state: 'disabled' } });
      }
    }
    const { kid, key } = await createKey();
    await report([key]);
    expect((await show(kid)).state).toBe('active');
    expect(await alerts({})).toMatchObject([{ kind: 'leak_reported', severity: 'critical', subjectId: kid }]);
  });

  test('of a temporary key suspends that one, and not the key it comes from', async () => {
    const { kid } = await createKey();
    const temporary = await admin.client.call('keys.mint', { params: { kid } });
    await report([temporary.key]);
    expect([(await show(temporary.kid)).state, (await show(kid)).state]).toEqual(['suspended', 'active']);
  });

  test('of a delegated key suspends the key whose holder signed it, as the rule says', async () => {
    const { kid, key } = await createKey();
    const token = await delegate(admin, { kid, key });
    expect(await (await report([token])).json()).toEqual({ leaks: [{ label: 'true_positive' }] });
    expect(await show(kid)).toMatchObject({ state: 'suspended', suspension: { automatic: true } });
    const { items } = await admin.client.call('responses.list', { query: { subjectId: kid } });
    expect(items).toMatchObject([
      { trigger: 'leak', evidence: expect.stringMatching(/^a delegated key \(/) as string },
    ]);
    const text = await remains();
    expect(text).not.toContain(token.slice(20));
  });

  test('of a delegated key that is forged or over stops nothing', async () => {
    const { kid, key } = await createKey();
    const other = await createKey();
    const token = await delegate(admin, { kid, key });
    const forged = `kwd_${kid}_${(await delegate(admin, other)).slice(17)}`;
    const nobody = `kwd_AAAAAAAAAAAA_${token.slice(17)}`;
    const tokens = [forged, nobody, token.slice(0, 100), `${token}x`];
    expect(await (await report(tokens)).json()).toEqual({ leaks: tokens.map(() => ({ label: 'false_positive' })) });
    expect(await alerts({})).toMatchObject([{ kind: 'leak_reported', severity: 'info', subjectId: kid }]);
    admin.clock.nowMs += 61_000;
    expect(await (await report([token])).json()).toEqual({ leaks: [{ label: 'true_positive' }] });
    expect((await show(kid)).state).toBe('active');
    const [alert] = await alerts({});
    expect(alert).toMatchObject({ severity: 'info', message: expect.stringContaining('delegation_expired') as string });
  });

  test('of an admin token revokes it before it is answered, with an audit entry and an alert', async () => {
    const made = await admin.client.call('admin-tokens.create', { body: { name: 'ci', permissions: ['keys:read'] } });
    const kept = await admin.client.call('admin-tokens.create', {
      body: { name: 'other', permissions: ['keys:read'] },
    });
    const ask = async (token: string) => (await admin.send('GET', '/api/v1/keys', { token })).status;
    expect([await ask(made.token), await ask(kept.token)]).toEqual([200, 200]);
    for (const _again of [1, 2]) {
      expect(await (await report([made.token])).json()).toEqual({ leaks: [{ label: 'true_positive' }] });
    }
    expect([await ask(made.token), await ask(kept.token)]).toEqual([401, 200]);
    const { items } = await admin.client.call('audit-events.list', { query: { targetId: made.kid } });
    expect(items.map(({ action, actor }) => `${action} ${actor}`).toSorted()).toEqual([
      'admin-tokens.create token:test',
      'admin-tokens.revoke system:leaks',
    ]);
    expect(items.find(({ actor }) => actor === 'system:leaks')?.reason).toMatch(
      /^the whole token was found by a scanner at https:\/\/paste\.example\/abc/,
    );
    expect(await alerts({})).toMatchObject([{ kind: 'leak_reported', severity: 'critical', subjectId: made.kid }]);
    expect(await remains()).not.toContain(made.token.slice(22, 65));
  });

  test("of the operator's own token is told, as nobody can revoke it", async () => {
    expect(await (await report([TOKEN])).json()).toEqual({ leaks: [{ label: 'true_positive' }] });
    expect(await alerts({})).toMatchObject([{ kind: 'leak_reported', severity: 'critical', subjectId: 'token:test' }]);
    expect(await remains()).not.toContain(TOKEN);
  });

  test('is bounded in size, in form and in number', async () => {
    const huge = signedReport(SECRET, ['x'.repeat(300_000)], admin.clock.nowMs);
    expect((await post('/leaks/report', huge)).status).toBe(413);
    const malformed = await report([]);
    expect([malformed.status, JSON.stringify(await malformed.json())]).toEqual([
      422,
      expect.not.stringContaining('leaks[') as unknown,
    ]);
    let limited = 0;
    for (let sent = 0; sent < 80; sent += 1) {
      const answer = await post('/leaks/report', { body: '{}', headers: {} });
      if (answer.status === 429) limited += 1;
    }
    expect(limited).toBe(22);
    admin.clock.nowMs += 2000;
    expect((await post('/leaks/report', { body: '{}', headers: {} })).status).toBe(401);
  });
});

test('the rules for scanners find keys as they are made, and nothing that is no key', async () => {
  const { pattern, gitleaks, trufflehog } = await admin.client.call('leak-rules.show');
  const found = (text: string) => new RegExp(pattern).exec(text)?.[0];
  for (const type of ['kwk', 'kwt', 'kwa'] as const) {
    for (const environment of ['live', 'test'] as const) {
      const { text, fingerprint } = generateKey({ type, environment });
      expect(found(`KEY="${text}"`)).toBe(text);
      expect(found(`${fingerprint} in a log`)).toBeUndefined();
    }
  }
  const { kid, key } = await createKey();
  const delegated = await delegate(admin, { kid, key });
  expect(found(`curl -H "authorization: Bearer ${delegated}"`)).toBe(delegated);
  expect(found(`kwd_${kid} in a log`)).toBeUndefined();
  expect([gitleaks.includes(pattern), trufflehog.includes(pattern)]).toEqual([true, true]);
});
