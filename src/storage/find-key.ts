import type { DatabaseSync } from 'node:sqlite';
import type { KeyRecord } from '../keys/key-record.ts';
import { CorruptColumnError, readEnvironment, readKeyState, readLimits, readScopes, readSecrets } from './columns.ts';

type Row = Readonly<Record<string, unknown>>;

/**
 * The data plane's look-up by kid, over all workspaces. It has a connection of its own, so that no
 * transaction of the admin API makes a call wait; it sees what is committed.
 */
export function createFindKey(database: DatabaseSync): (kid: string) => Promise<KeyRecord | null> {
  const statement = database.prepare(`
    select kid, workspace_id, application_id, environment, state, secrets, not_before_ms, expires_at_ms, scopes,
      limits, revision
    from keys where kid = ?`);
  return async (kid) => {
    const row = statement.get(kid);
    return row === undefined ? null : read(row);
  };
}

function read(row: Row): KeyRecord {
  return {
    kid: text(row, 'kid'),
    workspaceId: text(row, 'workspace_id'),
    applicationId: text(row, 'application_id'),
    environment: readEnvironment(text(row, 'environment')),
    state: readKeyState(text(row, 'state')),
    secrets: readSecrets(text(row, 'secrets')),
    notBeforeMs: numberOrNull(row, 'not_before_ms'),
    expiresAtMs: numberOrNull(row, 'expires_at_ms'),
    scopes: readScopes(text(row, 'scopes')),
    limits: readLimits(text(row, 'limits')),
    revision: numberOrNull(row, 'revision') ?? 0,
  };
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new CorruptColumnError(`keys.${column}`);
  return value;
}

function numberOrNull(row: Row, column: string): number | null {
  const value = row[column];
  if (value === null || typeof value === 'number') return value;
  throw new CorruptColumnError(`keys.${column}`);
}
