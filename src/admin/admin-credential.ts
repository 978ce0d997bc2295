/**
 * A token of the admin API as the engine sees it: a credential with a life, an owner and addresses,
 * whose permissions are one of the checks. What the gateway decides keys by decides here.
 */
import { BLANK_KEY } from '../keys/blank-key.ts';
import { NO_SCOPES } from '../keys/constraints.ts';
import { NO_FACTS } from '../keys/decision-input.ts';
import type { DecisionInput } from '../keys/decision-input.ts';
import { parseKey } from '../keys/format.ts';
import type { KeyRecord, KeySecret } from '../keys/key-record.ts';
import { UNNARROWED } from '../keys/owners.ts';
import type { WorkspaceState } from '../keys/owners.ts';
import { prepareKey } from '../keys/prepare.ts';
import { findMatchingSecret } from '../keys/secret-hash.ts';
import { standingOf } from '../keys/standing.ts';
import type { AdminTokenRow } from './access-stores.ts';
import { readOwnersOf } from './load-owners.ts';
import type { AdminDeps } from './ports.ts';
import { allows, isPermission } from './rbac.ts';
import type { Permission, Principal } from './rbac.ts';

/** Who makes an admin call, proven. */
export interface AdminCredential {
  readonly principal: Principal;
  readonly record: KeyRecord;
  readonly secret: KeySecret;
  /** Where calls go that name no workspace. */
  readonly workspaceId: string;
  /** Null: one of the tokens that exist without any set-up. */
  readonly row: AdminTokenRow | null;
}

/** What is asked of the admin API. */
export interface AdminFacts {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly needed: readonly Permission[];
}

/** The credential that a text proves; null where it proves none. Unknown ids take as long as wrong secrets. */
export async function findAdminCredential(deps: AdminDeps, text: string): Promise<AdminCredential | null> {
  const builtIn = await deps.tokens.verify(text);
  if (builtIn !== null) return builtInCredential(deps, builtIn);
  const parsed = parseKey(text, ['kwa']);
  if (!parsed.ok) return null;
  const found = await deps.store.findAdminToken(parsed.kid);
  if (found === null || parsed.environment !== ENVIRONMENT) {
    deps.hasher.matchDummy(parsed.secret);
    return null;
  }
  const { row, workspaceId } = found;
  const secret = findMatchingSecret(deps.hasher, row.secrets, parsed.secret);
  if (secret === null) return null;
  return { principal: principalOf(row), record: adminRecordOf(row, workspaceId), secret, workspaceId, row };
}

/** Admin tokens know no other. */
export const ENVIRONMENT = 'live';

/** What the engine decides an admin call on. */
export async function adminInput(
  deps: AdminDeps,
  { principal, record, secret }: Pick<AdminCredential, 'principal' | 'record' | 'secret'>,
  { method, path, address, needed }: AdminFacts,
  nowMs: number,
): Promise<DecisionInput> {
  return {
    standing: standingOf(prepareKey(record), [], await standsOn(deps, record)),
    matchedSecret: secret,
    expectedEnvironment: null,
    delegation: null,
    permission: { needed, missing: needed.filter((permission) => !allows(principal, permission)) },
    facts: { ...NO_FACTS, method, path, address },
    limits: null,
    nowMs,
  };
}

export function principalOf({ kid, permissions }: Pick<AdminTokenRow, 'kid' | 'permissions'>): Principal {
  return {
    actor: `token:${kid}`,
    permissions: new Set(permissions.filter((name) => name === '*' || isPermission(name))),
  };
}

const BLANK_TOKEN: KeyRecord = { ...BLANK_KEY, type: 'kwa', environment: ENVIRONMENT };

/** A token as a credential like any other. */
export function adminRecordOf(row: AdminTokenRow, workspaceId: string): KeyRecord {
  return {
    ...BLANK_TOKEN,
    kid: row.kid,
    workspaceId,
    ownerId: row.ownerId,
    state: row.state,
    suspension: row.state === 'suspended' ? { automatic: false, untilMs: null } : null,
    secrets: row.secrets,
    notBeforeMs: row.notBeforeMs,
    expiresAtMs: row.expiresAtMs,
    scopes: { ...NO_SCOPES, addresses: row.addresses },
    revision: row.revision,
  };
}

/** The operator's tokens stand on the installation itself: no workspace that is disabled shuts them out. */
const INSTALLATION: WorkspaceState = {
  ...{ id: 'installation', state: 'active', applications: {}, people: {}, teams: {} },
  ...UNNARROWED,
};
const COMPARED: KeySecret = { hash: '', pepperVersion: 0, state: 'current', notAfterMs: null };

function builtInCredential({ defaultWorkspaceId }: AdminDeps, principal: Principal): AdminCredential {
  const record = { ...BLANK_TOKEN, kid: principal.actor, workspaceId: INSTALLATION.id };
  return { principal, record, secret: COMPARED, workspaceId: defaultWorkspaceId, row: null };
}

/** As it is stored: who was disabled is out with the next call, whether or not a snapshot could be made of it. */
async function standsOn({ store }: AdminDeps, record: KeyRecord): Promise<WorkspaceState | null> {
  if (record.workspaceId === INSTALLATION.id) return INSTALLATION;
  return readOwnersOf(store.workspace(record.workspaceId), record);
}
