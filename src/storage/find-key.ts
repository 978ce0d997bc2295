import type { DatabaseSync } from 'node:sqlite';
import type { KeyRecord } from '../keys/key-record.ts';
import {
  CorruptColumnError,
  readDelegation,
  readEnvironment,
  readKeyState,
  readMinting,
  readSecrets,
  readStoredLimits,
  readStoredScopes,
  readStoredType,
  readSuspension,
} from './columns.ts';

type Row = Readonly<Record<string, unknown>>;

/**
 * The data plane's look-up by kid, over all workspaces. It has a connection of its own, so that no
 * transaction of the admin API makes a call wait; it sees what is committed.
 */
export function createFindKey(database: DatabaseSync): (kid: string) => Promise<KeyRecord | null> {
  const statement = database.prepare(`
    select kid, workspace_id, application_id, environment, state, secrets, not_before_ms, expires_at_ms, scopes,
      limits, revision, type, parent_kid, binding, owner_id, suspension, scopes_set_at_ms, delegation, minting
    from keys where kid = ?`);
  return async (kid) => {
    const row = statement.get(kid);
    return row === undefined ? null : read(row);
  };
}

function read(row: Row): KeyRecord {
  return {
    kid: text(row, 'kid'),
    type: readStoredType(text(row, 'type')),
    parentKid: textOrNull(row, 'parent_kid'),
    binding: textOrNull(row, 'binding'),
    workspaceId: text(row, 'workspace_id'),
    applicationId: text(row, 'application_id'),
    ownerId: textOrNull(row, 'owner_id'),
    environment: readEnvironment(text(row, 'environment')),
    state: readKeyState(text(row, 'state')),
    suspension: readSuspension(textOrNull(row, 'suspension')),
    secrets: readSecrets(text(row, 'secrets')),
    notBeforeMs: numberOrNull(row, 'not_before_ms'),
    expiresAtMs: numberOrNull(row, 'expires_at_ms'),
    scopes: readStoredScopes(text(row, 'scopes'), 'keys.scopes'),
    scopesSetAtMs: numberOrNull(row, 'scopes_set_at_ms') ?? 0,
    limits: readStoredLimits(text(row, 'limits'), 'keys.limits'),
    delegation: readDelegation(textOrNull(row, 'delegation')),
    minting: readMinting(textOrNull(row, 'minting')),
    revision: numberOrNull(row, 'revision') ?? 0,
  };
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new CorruptColumnError(`keys.${column}`);
  return value;
}

function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

function numberOrNull(row: Row, column: string): number | null {
  const value = row[column];
  if (value === null || typeof value === 'number') return value;
  throw new CorruptColumnError(`keys.${column}`);
}
