/** Call records, for tests of what is read out of them. */
import { CALL_FIELDS } from '../../src/calls/call-record.ts';
import type { CallRecord, CallRow } from '../../src/calls/call-record.ts';
import { START_MS } from './admin-fixture.ts';

/** A call that passed, as it travels to the store. */
export function callRow(workspaceId: string, part: Partial<CallRecord> = {}): CallRow {
  const record: CallRecord = {
    requestId: 'req_0',
    startedAtMs: START_MS,
    workspaceId,
    applicationId: 'app_1',
    keyFingerprint: 'kwk_live_AAAAAAAAAAAA',
    kid: 'AAAAAAAAAAAA',
    method: 'POST',
    path: '/v1/chat/completions',
    dialect: 'openai',
    operation: 'chat',
    requestedModel: 'sandbox/echo',
    provider: 'sandbox',
    model: 'echo',
    credentialId: null,
    stream: false,
    status: 200,
    upstreamStatus: 200,
    upstreamRequestId: null,
    code: 'ok',
    attempts: 1,
    firstByteMs: 3,
    totalMs: 5,
    requestBytes: 100,
    responseBytes: 200,
    inputTokens: 1,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 1,
    reasoningTokens: 0,
    complete: true,
    clientAddress: '127.0.0.1',
    userAgent: null,
    ownerId: null,
    parentKid: null,
    secretGeneration: 1,
    session: null,
    country: null,
    costNanoUsd: null,
    costEstimated: false,
    decision: null,
    configVersion: 1,
    worker: 1,
    tags: null,
    warnings: null,
    usageDetail: null,
    fromCache: false,
    upstreamCode: null,
    ...part,
  };
  return CALL_FIELDS.map((field) => {
    const value = record[field];
    return typeof value === 'boolean' ? Number(value) : value;
  });
}
