import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateSecret, parseKey } from '../../src/keys/format.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';

const HOUR_MS = 3_600_000;

let admin: AdminFixture;
let kid: string;
beforeEach(async () => {
  admin = await createAdminFixture();
  ({ kid } = await admin.client.call('keys.create', { body: { name: 'billing' } }));
});
afterEach(() => admin.dispose());

async function rotateToLink(overlap = '24h'): Promise<string> {
  const answer = await admin.client.call('keys.rotate', { params: { kid }, body: { deliver: 'reveal-link', overlap } });
  expect(answer.key).toBeNull();
  const [page, token] = (answer.revealLink ?? '').split('#');
  expect(page).toBe('http://localhost:8081/reveal');
  return token ?? '';
}

/** Without an admin token: the link is all that a person has. */
const open = (token: string) => admin.send('POST', '/reveal', { token: null, body: { token } });

async function audited(): Promise<string[]> {
  const { items } = await admin.client.call('audit-events.list', { query: { targetId: kid } });
  return items
    .filter(({ actor }) => actor.startsWith('reveal-link:'))
    .map(({ action, reason }) => `${action}: ${reason ?? 'opened'}`);
}

test('a reveal link has the form of a key, opens once without an admin token, and gives the secret that calls', async () => {
  const token = await rotateToLink();
  expect(parseKey(token, ['kwr'])).toMatchObject({ ok: true, type: 'kwr' });
  expect(parseKey(token, ['kwk'])).toMatchObject({ ok: false, code: 'wrong_type' });
  const opened = await open(token);
  expect(opened.status).toBe(200);
  expect(opened.headers.get('cache-control')).toBe('no-store');
  const { key } = (await opened.json()) as { key: string };
  const parsed = parseKey(key, ['kwk']);
  expect(parsed).toMatchObject({ ok: true, kid });
  const current = (await admin.store.findKey(kid))?.secrets[0];
  const { hash } = admin.deps.hasher.hash(parsed.ok ? parsed.secret : '');
  expect(current).toMatchObject({ state: 'current', hash });
  expect((await open(token)).status).toBe(404);
  expect(new Set(await audited())).toEqual(
    new Set(['keys.reveal: opened', 'keys.reveal-refused: the link was opened before']),
  );
});

test('of several who open a link at the same time one gets the key', async () => {
  const token = await rotateToLink();
  const answers = await Promise.all(Array.from({ length: 8 }, () => open(token)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(7).fill(404)]);
});

test('an unknown, a used, an expired, a replaced and a forged link get one and the same answer', async () => {
  const tokenOf = (id: string) => generateSecret({ type: 'kwr', environment: 'live', kid: id }).text;
  const used = await rotateToLink();
  await open(used);
  const replaced = await rotateToLink('0s');
  const expired = await rotateToLink('0s');
  admin.clock.nowMs += 24 * HOUR_MS;
  const fresh = await rotateToLink('0s');
  const forged = tokenOf(fresh.split('_')[2] ?? '');
  const answers = await Promise.all([tokenOf('AAAAAAAAAAAA'), used, replaced, expired, forged, `${fresh}0`].map(open));
  const bodies = await Promise.all(
    answers.map(async (answer) => {
      const { requestId: _requestId, ...body } = (await answer.json()) as { requestId: string };
      return JSON.stringify([answer.status, body]);
    }),
  );
  expect(new Set(bodies).size).toBe(1);
  expect(bodies[0]).toContain('does not exist, was opened before, or has expired');
  // A forged one does not use the real one up.
  expect((await open(fresh)).status).toBe(200);
});

test('a secret that nobody fetched in time is erased, and an alert says that the key has to be rotated again', async () => {
  const token = await rotateToLink();
  admin.clock.nowMs += 24 * HOUR_MS;
  expect((await open(token)).status).toBe(404);
  await admin.runJobs();
  const { items } = await admin.client.call('alerts.list', { query: { kind: 'secret_lost', subjectId: kid } });
  expect(items).toMatchObject([{ severity: 'critical', state: 'open' }]);
  await expect(admin.client.call('keys.reveal-link', { params: { kid } })).rejects.toMatchObject({ status: 409 });
});

describe('a link that is asked for again', () => {
  test('opens the same secret; the one before is dead', async () => {
    const lost = await rotateToLink();
    const { revealLink } = await admin.client.call('keys.reveal-link', { params: { kid } });
    expect((await open(lost)).status).toBe(404);
    expect((await open(revealLink.split('#')[1] ?? '')).status).toBe(200);
    await expect(admin.client.call('keys.reveal-link', { params: { kid } })).rejects.toMatchObject({ status: 409 });
  });
});

test('a rotation that is taken back kills the link to its secret', async () => {
  const token = await rotateToLink();
  await admin.client.call('keys.cancel-rotation', { params: { kid } });
  expect((await open(token)).status).toBe(404);
});

test('attempts on a link are written down, but not without an end', async () => {
  const token = await rotateToLink();
  await open(token);
  for (let i = 0; i < 30; i += 1) await open(token);
  expect(await audited()).toHaveLength(21);
});

test('neither the link nor its secret shows in audit, log, or any other answer', async () => {
  const token = await rotateToLink();
  const { key } = (await (await open(token)).json()) as { key: string };
  await open(token);
  const seen = JSON.stringify([
    await admin.client.call('audit-events.list', { query: { limit: 500 } }),
    await admin.client.call('keys.get', { params: { kid } }),
    await admin.client.call('alerts.list'),
    admin.logged,
  ]);
  for (const text of [token, key]) expect(seen).not.toContain(text.split('_')[3]);
});

test.each([
  ['{"token":7}', 422],
  ['{}', 422],
  ['{"token":"kwr","more":1}', 422],
  ['not json', 400],
  ['{"token":"kwr_live_x"}', 404],
])('a body that is no token is refused: %s', async (body, status) => {
  expect((await admin.send('POST', '/reveal', { token: null, body })).status).toBe(status);
});

interface Element {
  hidden: boolean;
  disabled: boolean;
  textContent: string;
}

/** Runs the script of the page as a browser would, with the few things of a browser that it asks for. */
async function openInBrowser(link: string) {
  const html = await (await admin.send('GET', '/reveal', { token: null })).text();
  const script = /<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? '';
  const elements: Record<string, Element & { onClick: () => Promise<void> }> = {};
  const elementOf = (id: string) =>
    (elements[id] ??= {
      ...{ hidden: id === 'key', disabled: false, textContent: '', onClick: () => Promise.resolve() },
    });
  const shown = { url: link };
  const asked: string[] = [];
  runInNewContext(script, {
    location: { hash: new URL(link).hash, pathname: '/reveal' },
    history: { replaceState: (_state: null, _title: string, url: string) => void (shown.url = url) },
    document: {
      getElementById: (id: string) =>
        Object.assign(elementOf(id), {
          addEventListener: (_type: string, listener: () => Promise<void>) => {
            elementOf(id).onClick = listener;
          },
        }),
    },
    fetch: (path: string, init: RequestInit) => {
      asked.push(path);
      return admin.app.request(new URL(path, 'http://localhost:8081/reveal').href, init);
    },
  });
  return { shown, asked, elementOf, click: () => elementOf('open').onClick() };
}

test('the page takes the link out of the address bar, asks for the key on a click only, and shows it once', async () => {
  const { revealLink } = await admin.client.call('keys.reveal-link', { params: { kid: await rotatedKid() } });
  const page = await openInBrowser(revealLink);
  expect([page.shown.url, page.asked]).toEqual(['/reveal', []]);
  await page.click();
  expect(page.elementOf('key')).toMatchObject({
    hidden: false,
    textContent: expect.stringMatching(/^kwk_live_/) as string,
  });
  expect(page.elementOf('status').textContent).toContain('this link is used up');
  const again = await openInBrowser(revealLink);
  await again.click();
  expect(again.elementOf('key')).toMatchObject({ hidden: true, textContent: '' });
  expect(again.elementOf('status').textContent).toContain('was opened before');
  expect((await openInBrowser('http://localhost:8081/reveal')).elementOf('open').hidden).toBe(true);
});

async function rotatedKid(): Promise<string> {
  await rotateToLink();
  return kid;
}

test('the page behind the link runs its own script and nothing else, and a token in the URL is not taken', async () => {
  const page = await admin.send('GET', '/reveal', { token: null });
  expect(page.status).toBe(200);
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'/,
  );
  expect(policy).not.toContain('unsafe');
  const token = await rotateToLink();
  expect((await admin.send('POST', `/reveal?token=${token}`, { token: null })).status).toBe(422);
  expect((await admin.send('PUT', '/reveal', { token: null })).headers.get('allow')).toBe('GET, HEAD, POST');
});

test('a link begins with the address that the operator named, and the server answers under that name', async () => {
  admin.settings.adminUrl = 'https://keyward.example.org';
  const { revealLink } = await admin.client.call('keys.rotate', { params: { kid }, body: { deliver: 'reveal-link' } });
  expect(revealLink).toMatch(/^https:\/\/keyward\.example\.org\/reveal#kwr_live_/);
  expect((await admin.app.request('https://keyward.example.org/reveal')).status).toBe(200);
  expect((await admin.app.request('https://other.example.org/reveal')).status).toBe(400);
});
