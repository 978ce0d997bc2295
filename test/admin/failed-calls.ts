/** Calls that failed, as workers hand them over. */
import { randomUUID } from 'node:crypto';
import type { CallRow } from '../../src/calls/call-record.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';

interface Failure {
  readonly kid: string;
  readonly code?: string;
  readonly address?: string;
}

/** A call that named a key and did not prove it, or (with a code of the life cycle) one with a key that has ended. */
export function failedCall(
  admin: AdminFixture,
  { kid, code = 'secret_mismatch', address = '192.0.2.7' }: Failure,
): CallRow {
  const proven = code !== 'secret_mismatch' && code !== 'unknown_key';
  return callRow(admin.workspaceId, {
    ...(proven ? {} : { workspaceId: null, applicationId: null, secretGeneration: null }),
    requestId: `req_${admin.clock.nowMs}_${randomUUID()}`,
    startedAtMs: admin.clock.nowMs,
    kid,
    code,
    status: 401,
    clientAddress: address,
  });
}

/** So many of them, one after the other, and what follows from them. */
export async function fail(admin: AdminFixture, count: number, failure: Failure): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    admin.clock.nowMs += 1;
    admin.failures.observe([failedCall(admin, failure)]);
  }
  await admin.failures.idle();
}
