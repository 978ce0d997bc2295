import { AppError } from '../errors.ts';
import type { CallContext } from './contract.ts';
import { eachKey } from './key-walk.ts';
import type { KeyRow } from './stores.ts';

/** A temporary key belongs to whom its key belongs to: it does not change hands by itself. */
export function refuseTemporary(row: KeyRow): void {
  if (row.parentKid === null) return;
  throw new AppError('conflict', {
    message: `${row.kid} is a temporary key: it belongs to whom the key ${row.parentKid} belongs to. Reassign that one.`,
  });
}

/** Gives what was minted from a key to whom the key belongs now; answers with the ids of those that were moved. */
export async function moveDescendants({ workspace, nowMs }: CallContext, key: KeyRow): Promise<readonly string[]> {
  const { applicationId, ownerId } = key;
  const moved: string[] = [];
  for await (const rows of eachKey(workspace, { kind: 'these', kids: [key.kid] })) {
    for (const { kid, revision, ...row } of rows) {
      if (row.applicationId === applicationId && row.ownerId === ownerId) continue;
      await workspace.keys.update(kid, revision, { applicationId, ownerId, updatedAtMs: nowMs });
      moved.push(kid);
    }
  }
  return moved;
}
