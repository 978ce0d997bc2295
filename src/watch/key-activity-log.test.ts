import { expect, test } from 'vitest';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRecord, CallRow } from '../calls/call-record.ts';
import { CALLERS_MAX } from '../calls/key-activity.ts';
import { applicationRow, keyRow, openTestStore } from '../storage/store-fixture.ts';
import { agentProduct, callerNetwork } from './caller-network.ts';
import { createKeyActivityLog } from './key-activity-log.ts';

function row(record: Partial<CallRecord>): CallRow {
  const full: Partial<CallRecord> = {
    workspaceId: 'ws_a',
    kid: 'kid000000001',
    secretGeneration: 1,
    startedAtMs: 1000,
    clientAddress: '10.1.2.3',
    userAgent: 'OpenAI/Python 1.2',
    ...record,
  };
  return CALL_FIELDS.map((field) => {
    const value = full[field] ?? null;
    return typeof value === 'boolean' ? Number(value) : value;
  });
}

async function setUp() {
  const store = await openTestStore();
  const workspace = store.workspace('ws_a');
  await workspace.applications.insert(applicationRow({ id: 'app' }));
  await workspace.keys.insert(keyRow({ kid: 'kid000000001', applicationId: 'app' }));
  return { workspace, log: createKeyActivityLog({ store: (id) => store.workspace(id) }) };
}

test('calls are added up by secret and by caller, before and after they are stored', async () => {
  const { workspace, log } = await setUp();
  log.observe([row({}), row({ startedAtMs: 2000, clientAddress: '10.1.2.77' }), row({ secretGeneration: null })]);
  await log.flush();
  log.observe([row({ secretGeneration: 2, startedAtMs: 3000, clientAddress: '2001:db8:1:2::7', userAgent: null })]);
  expect(log.pending('ws_a', 'kid000000001')).toMatchObject({ lastUsedAtMs: 3000 });
  await log.flush();
  expect(log.pending('ws_a', 'kid000000001')).toBeNull();
  expect(await workspace.activity.get('kid000000001')).toEqual({
    kid: 'kid000000001',
    lastUsedAtMs: 3000,
    lastAddress: '2001:db8:1:2::7',
    generations: [
      { generation: 2, calls: 1, lastMs: 3000 },
      { generation: 1, calls: 2, lastMs: 2000 },
    ],
    callers: [
      { generation: 2, calls: 1, network: '2001:db8:1:2::/64', agent: '', firstMs: 3000, lastMs: 3000 },
      { generation: 1, calls: 2, network: '10.1.2.0/24', agent: 'OpenAI/Python', firstMs: 1000, lastMs: 2000 },
    ],
  });
  const key = await workspace.keys.get('kid000000001');
  expect([key?.lastUsedAtMs, key?.revision]).toEqual([3000, 1]);
});

test('callers of a key are bounded: those who called longest ago are forgotten', async () => {
  const { workspace, log } = await setUp();
  for (let i = 0; i < 250; i += 1) log.observe([row({ startedAtMs: i, clientAddress: `10.1.${i}.1` })]);
  await log.flush();
  const stored = await workspace.activity.get('kid000000001');
  expect(stored?.callers).toHaveLength(CALLERS_MAX);
  expect(stored?.callers[0]?.network).toBe('10.1.249.0/24');
  expect(stored?.generations[0]?.calls).toBe(250);
});

test('what the store did not take is kept and stored later, and other workspaces do not see it', async () => {
  const store = await openTestStore();
  let broken = true;
  const log = createKeyActivityLog({
    store: (id) => ({
      transaction: (work) =>
        broken ? Promise.reject(new Error('the disk is full')) : store.workspace(id).transaction(work),
    }),
  });
  log.observe([row({})]);
  await expect(log.flush()).rejects.toThrow('the disk is full');
  log.observe([row({ startedAtMs: 5000 })]);
  expect(log.pending('ws_a', 'kid000000001')?.generations[0]?.calls).toBe(2);
  broken = false;
  await log.flush();
  expect((await store.workspace('ws_a').activity.get('kid000000001'))?.generations[0]?.calls).toBe(2);
  expect(await store.workspace('ws_b').activity.get('kid000000001')).toBeNull();
});

test.each([
  ['192.168.7.9', '192.168.7.0/24'],
  ['::ffff:192.168.7.9', '192.168.7.0/24'],
  ['::1', '0:0:0:0::/64'],
  ['2001:0db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
  ['64:ff9b::1.2.3.4', '64:ff9b:0:0::/64'],
  ['unknown', ''],
])('the network of %s is %s', (address, network) => {
  expect(callerNetwork(address)).toBe(network);
});

test('of a user agent the first product is kept, without what could steer a terminal', () => {
  expect(agentProduct('curl/8.5.0 something')).toBe('curl/8.5.0');
  expect(agentProduct('\u001b[31mred')).toBe('');
  expect(agentProduct('x'.repeat(500))).toHaveLength(48);
});
