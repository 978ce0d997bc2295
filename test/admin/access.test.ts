import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERMISSIONS } from '../../src/admin/rbac.ts';
import type { Permission } from '../../src/admin/rbac.ts';
import { ENDPOINTS } from '../../src/admin/resources/index.ts';
import type { AdminToken } from '../../src/admin/tokens.ts';
import { TOKEN, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';

const ALL = Object.keys(PERMISSIONS) as Permission[];

function holderOf(text: string, permissions: readonly Permission[]): AdminToken {
  return { text, principal: { actor: `token:${text}`, permissions: new Set(permissions) } };
}

const TOKENS = ALL.flatMap((permission) => [
  holderOf(`only-${permission}`, [permission]),
  holderOf(
    `all-but-${permission}`,
    ALL.filter((other) => other !== permission),
  ),
]);

let admin: AdminFixture;
beforeAll(async () => {
  admin = await createAdminFixture([...TOKENS, holderOf('nothing', [])]);
});
afterAll(() => admin.dispose());

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}

describe.each(ENDPOINTS.map((endpoint) => [endpoint.id, endpoint] as const))('%s', (_id, endpoint) => {
  const path = `/api/v1${endpoint.path.replaceAll(/:\w+/g, 'AAAAAAAAAAAA')}`;
  const call = (token: string | null, suffix = '') => admin.send(endpoint.method, path + suffix, { token });

  test('is refused without a token, with a wrong one, and with one in the URL', async () => {
    const answers = await Promise.all([
      call(null),
      call('wrong'),
      call(`${TOKEN}x`),
      call(TOKEN.slice(0, -1)),
      call(null, `?token=${TOKEN}&access_token=${TOKEN}&key=${TOKEN}`),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(await codeOf(answer)).toBe('unauthenticated');
    }
  });

  test('is refused to whoever holds every permission but its own, and to whoever holds none', async () => {
    for (const token of [`all-but-${endpoint.permission}`, 'nothing']) {
      const answer = await call(token);
      expect(answer.status).toBe(403);
      expect(await codeOf(answer)).toBe('forbidden');
    }
  });

  test('is open to whoever holds its permission', async () => {
    expect([401, 403]).not.toContain((await call(`only-${endpoint.permission}`)).status);
  });
});

test('nothing that was refused was done', async () => {
  const { items } = await admin.client.call('audit-events.list');
  expect(
    items.map(({ actor }) => actor).filter((actor) => actor.includes('all-but') || actor.includes('nothing')),
  ).toEqual([]);
});

test('calls that proved no key are shown only with a permission of their own', async () => {
  const path = '/api/v1/calls?caller=unknown';
  expect((await admin.send('GET', path, { token: 'only-calls:read' })).status).toBe(403);
  expect((await admin.send('GET', path)).status).toBe(200);
});
