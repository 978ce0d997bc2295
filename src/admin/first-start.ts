import { generateKey } from '../keys/format.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import { freshSecret } from './resources/key-secret.ts';
import { defaultRules } from './default-rules.ts';
import { firstApplication } from './first-application.ts';
import { newId } from './new-id.ts';
import type { IssuingHasher } from './ports.ts';
import type { Store, WorkspaceStore } from './stores.ts';

/** What an empty data folder was given. */
export interface FirstStart {
  readonly workspaceId: string;
  /** The first key in clear, to be shown once; null when this was not the first start. */
  readonly firstKey: string | null;
}

/**
 * Gives an empty data folder its workspace, an application that may call every model, and a first
 * key, so that a call works before anything was set up. On any later start it only finds them.
 */
export async function prepareFirstStart(store: Store, hasher: IssuingHasher, nowMs: number): Promise<FirstStart> {
  const existing = (await store.workspaces.list())[0];
  const workspaceId = existing?.id ?? newId('ws', nowMs);
  if (existing === undefined) {
    await store.workspaces.insert({
      id: workspaceId,
      name: 'Default',
      state: 'active',
      scopes: NO_SCOPES,
      scopesSetAtMs: nowMs,
      limits: NO_LIMITS,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      deletedAtMs: null,
    });
  }
  const workspace = store.workspace(workspaceId);
  // Looked for on its own: a first start may have been interrupted after the workspace was made.
  if ((await workspace.applications.getDefault()) !== null) return { workspaceId, firstKey: null };
  const firstKey = await workspace.transaction((tx) => createApplicationAndKey(tx, hasher, nowMs));
  return { workspaceId, firstKey };
}

async function createApplicationAndKey(tx: WorkspaceStore, hasher: IssuingHasher, nowMs: number): Promise<string> {
  const application = firstApplication(nowMs);
  const applicationId = application.id;
  const key = generateKey({ type: 'kwk', environment: 'live' });
  await tx.applications.insert(application);
  for (const rule of defaultRules(nowMs)) await tx.responseRules.insert(rule);
  await tx.keys.insert({
    kid: key.kid,
    type: 'kwk',
    parentKid: null,
    binding: null,
    ownerId: null,
    suspension: null,
    scopesSetAtMs: nowMs,
    applicationId,
    name: 'First key',
    environment: 'live',
    state: 'active',
    secrets: [freshSecret(hasher, key.secret, nowMs)],
    notBeforeMs: null,
    expiresAtMs: null,
    scopes: NO_SCOPES,
    limits: NO_LIMITS,
    delegation: null,
    tags: [],
    revision: 1,
    createdAtMs: nowMs,
    createdBy: 'system:first-start',
    updatedAtMs: nowMs,
    revokedAtMs: null,
    stateReason: null,
    minting: null,
  });
  await tx.audit.append({
    id: newId('aud', nowMs),
    atMs: nowMs,
    actor: 'system:first-start',
    action: 'keys.create',
    targetKind: 'key',
    targetId: key.kid,
    reason: 'first start',
    before: null,
    after: { kid: key.kid, applicationId, name: 'First key' },
    requestId: '',
    clientAddress: '',
  });
  return key.text;
}
