import { AppError } from '../errors.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import type { Narrowing } from '../keys/owners.ts';
import type { CallContext } from './contract.ts';
import { applicationFindings, keyFindings, membershipFindings, narrowingFindings, readPresent } from './integrity.ts';
import type { Finding, FindingKind } from './integrity.ts';
import type { KeyChoice } from './key-walk.ts';
import { keysBeneath } from './ownership.ts';
import type { KeyRow, WorkspaceStore } from './stores.ts';

/** What a repair does, before it is done. */
export interface Repair {
  /** A sentence. */
  readonly sentence: string;
  readonly beneath: KeyChoice;
  /** The key whose record changes; null where it is something else. */
  readonly key: KeyRow | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly make: () => Promise<void>;
}

/** What puts each kind right. */
export const REPAIRS: Readonly<Record<FindingKind, string>> = {
  'key-without-application': 'The key goes to the default application.',
  'key-owner-missing': 'The key has no owner of its own any more.',
  'key-constraints-unreadable': closes('key'),
  'application-owner-missing': 'The application has no owner any more.',
  'application-team-missing': 'The application belongs to no team any more.',
  'application-constraints-unreadable': closes('application'),
  'team-constraints-unreadable': closes('team'),
  'workspace-constraints-unreadable': closes('workspace'),
  'membership-of-nobody': 'The membership is removed.',
  'membership-in-no-team': 'The membership is removed.',
};

function closes(what: string): string {
  return `The ${what} gets scopes that allow nothing, which can then be set anew.`;
}

/** Finds out how to repair a finding; refuses when it is none (any more). */
export async function planRepair(ctx: CallContext, kind: FindingKind, targetId: string): Promise<Repair> {
  switch (kind) {
    case 'key-without-application':
    case 'key-owner-missing':
    case 'key-constraints-unreadable':
      return planKey(ctx, kind, targetId);
    case 'application-owner-missing':
    case 'application-team-missing':
    case 'application-constraints-unreadable':
      return planApplication(ctx, kind, targetId);
    case 'team-constraints-unreadable':
      return planTeam(ctx, kind, targetId);
    case 'workspace-constraints-unreadable':
      return planWorkspace(ctx, kind, targetId);
    case 'membership-of-nobody':
    case 'membership-in-no-team':
      return planMembership(ctx, kind, targetId);
  }
}

async function planKey({ workspace, nowMs }: CallContext, kind: FindingKind, kid: string): Promise<Repair> {
  const row = await workspace.keys.get(kid);
  requireFound(row === null ? [] : keyFindings(row, await readPresent(workspace)), kind, kid);
  if (row === null) throw noFinding(kind, kid);
  const patch: Partial<Pick<KeyRow, 'applicationId' | 'ownerId' | keyof Narrowing>> =
    kind === 'key-without-application'
      ? { applicationId: await defaultApplication(workspace) }
      : kind === 'key-owner-missing'
        ? { ownerId: null }
        : closed(nowMs);
  return {
    sentence: REPAIRS[kind],
    beneath: { kind: 'these', kids: [kid] },
    key: row,
    before: changedPart(row, patch),
    after: patch,
    make: async () => {
      if (!(await workspace.keys.update(kid, row.revision, { ...patch, updatedAtMs: nowMs }))) {
        throw new AppError('conflict', { message: `The key ${kid} was changed meanwhile. Repeat the request.` });
      }
    },
  };
}

async function planApplication({ workspace, nowMs }: CallContext, kind: FindingKind, id: string): Promise<Repair> {
  const row = await workspace.applications.get(id);
  requireFound(row === null ? [] : applicationFindings(row, await readPresent(workspace)), kind, id);
  if (row === null) throw noFinding(kind, id);
  const patch =
    kind === 'application-owner-missing'
      ? { ownerId: null }
      : kind === 'application-team-missing'
        ? { teamId: null }
        : closed(nowMs);
  return {
    sentence: REPAIRS[kind],
    beneath: { kind: 'beneath', applicationIds: [id] },
    key: null,
    before: changedPart(row, patch),
    after: patch,
    make: () => workspace.applications.update(id, { ...patch, updatedAtMs: nowMs }),
  };
}

async function planTeam({ workspace, nowMs }: CallContext, kind: FindingKind, id: string): Promise<Repair> {
  const row = await workspace.teams.get(id);
  requireFound(row === null ? [] : narrowingFindings(kind, id, row), kind, id);
  return {
    sentence: REPAIRS[kind],
    beneath: await keysBeneath(workspace, ({ teamId }) => teamId === id),
    key: null,
    before: 'unreadable',
    after: closed(nowMs),
    make: () => workspace.teams.update(id, { ...closed(nowMs), updatedAtMs: nowMs }),
  };
}

async function planWorkspace({ workspace, nowMs }: CallContext, kind: FindingKind, id: string): Promise<Repair> {
  const row = id === workspace.workspaceId ? await workspace.deployment.get(id) : null;
  requireFound(row === null ? [] : narrowingFindings(kind, id, row), kind, id);
  return {
    sentence: REPAIRS[kind],
    beneath: { kind: 'all' },
    key: null,
    before: 'unreadable',
    after: closed(nowMs),
    make: () => workspace.deployment.update(id, { ...closed(nowMs), updatedAtMs: nowMs }),
  };
}

async function planMembership({ workspace, nowMs }: CallContext, kind: FindingKind, targetId: string): Promise<Repair> {
  const [teamId = '', personId = ''] = targetId.split('/');
  const row = await workspace.memberships.get(teamId, personId);
  requireFound(row === null ? [] : membershipFindings(row, await readPresent(workspace)), kind, targetId);
  return {
    sentence: REPAIRS[kind],
    beneath: await keysBeneath(workspace, (application) => application.teamId === teamId),
    key: null,
    before: row,
    after: null,
    make: () => workspace.memberships.update(teamId, personId, { deletedAtMs: nowMs, updatedAtMs: nowMs }),
  };
}

/** Constraints that allow nothing: what stood there may have narrowed anything. */
function closed(nowMs: number): Narrowing {
  return { scopes: { ...NO_SCOPES, endpoints: [] }, scopesSetAtMs: nowMs, limits: NO_LIMITS };
}

async function defaultApplication(workspace: WorkspaceStore): Promise<string> {
  const heir = await workspace.applications.getDefault();
  if (heir !== null) return heir.id;
  throw new AppError('conflict', { message: 'There is no default application that could take the key.' });
}

function changedPart(row: object, patch: object): unknown {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name in patch));
}

function requireFound(findings: readonly Finding[], kind: FindingKind, targetId: string): void {
  if (!findings.some((finding) => finding.kind === kind)) throw noFinding(kind, targetId);
}

function noFinding(kind: FindingKind, targetId: string): AppError {
  return new AppError('not_found', {
    message: `There is no finding ${kind}:${targetId} (any more). GET /api/v1/integrity lists those that there are.`,
  });
}
