/** What a worker of the tests does with a shared table. */
import { openHealthTable } from './health-table.ts';
import { CredentialPool } from './pool.ts';

export interface BenchTask {
  readonly buffer: SharedArrayBuffer;
  readonly members: readonly string[];
  readonly nowMs: number;
  readonly failures: number;
}

/** Fails every credential so often and counts how many it may still use; without failures, how many probes it gets later on. */
export function benchMany({ buffer, members, nowMs, failures }: BenchTask): { usable: number; probes: number } {
  const pool = new CredentialPool({
    name: 'ws/p',
    members: members.map((id) => ({ id, priority: 1, weight: 1, models: null, fingerprint: '' })),
    table: openHealthTable(buffer),
    random: () => 0,
  });
  for (let i = 0; i < failures; i += 1) {
    for (const member of pool.members) {
      const report = { member, model: 'm', isProbe: false, nowMs };
      pool.failed(report, { kind: 'quota_exhausted', retryAfterMs: null, perModel: false });
    }
  }
  const { usable } = pool.capacity('m', nowMs + 1);
  let probes = 0;
  for (let i = 0; i < (failures === 0 ? members.length : 0); i += 1) {
    if (pool.next({ model: 'm', nowMs: nowMs + 3_600_001 }).kind === 'use') probes += 1;
  }
  return { usable, probes };
}
