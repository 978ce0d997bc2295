import type { Kysely } from 'kysely';
import type { WorkspaceStore } from '../admin/stores.ts';
import { createAdminRefusalStore, createAdminTokenStore } from './admin-tokens.ts';
import { createAlertStore } from './alerts.ts';
import { createAliasStore } from './aliases.ts';
import { createApplicationStore } from './applications.ts';
import { createAuditStore } from './audit.ts';
import { createCaseStore } from './cases.ts';
import { createCatalogueStore } from './catalogue.ts';
import { createCredentialRotationStore } from './credential-rotations.ts';
import { createCredentialStore } from './credentials.ts';
import type { DataKeys } from './data-keys.ts';
import { createKeyActivityStore } from './key-activity.ts';
import { createKeyScanStore } from './key-scans.ts';
import { createKeyStore } from './keys.ts';
import { createMembershipStore } from './memberships.ts';
import { createPersonStore } from './people.ts';
import { createOutboxStore } from './outbox.ts';
import { createMaskedKeyStore } from './masked-keys.ts';
import { createProviderStore } from './providers.ts';
import { createResponseRuleStore } from './response-rules.ts';
import { createResponseStore } from './responses.ts';
import { createRevealStore } from './reveals.ts';
import { createRotationPolicyStore } from './rotation-policies.ts';
import type { Tables } from './schema.ts';
import { createSubscriptionStore } from './subscriptions.ts';
import { createTemporaryKeyStore } from './temporary-keys.ts';
import { createTeamStore } from './teams.ts';
import { createWebhookStore } from './webhooks.ts';
import { confine } from './workspace-plugin.ts';
import { createWorkspacesStore } from './workspaces.ts';

export interface WorkspaceStoreOptions {
  readonly db: Kysely<Tables>;
  readonly workspaceId: string;
  readonly dataKeys: DataKeys;
}

/**
 * Everything of one workspace. The stores get a confined database only. Inside `transaction` use
 * the store it hands over: the outer one waits until the transaction has ended.
 */
export function createWorkspaceStore(options: WorkspaceStoreOptions): WorkspaceStore {
  return {
    ...createStores(options, (workspaceId) => createWorkspaceStore({ ...options, workspaceId })),
    transaction: (work) => options.db.transaction().execute((trx) => runIn({ ...options, db: trx }, work)),
  };
}

/** A transaction that is taken back at its end, whatever was done in it. */
export async function rehearseIn<T>(
  options: WorkspaceStoreOptions,
  work: (tx: WorkspaceStore) => Promise<T>,
): Promise<T> {
  const trx = await options.db.startTransaction().execute();
  try {
    return await runIn({ ...options, db: trx }, work);
  } finally {
    await trx.rollback().execute();
  }
}

type Stores = Omit<WorkspaceStore, 'transaction'>;

function createStores(
  { db, workspaceId, dataKeys }: WorkspaceStoreOptions,
  sibling: (workspaceId: string) => WorkspaceStore,
): Stores {
  const confined = confine(db, workspaceId);
  return {
    workspaceId,
    deployment: { ...createWorkspacesStore(db, dataKeys), workspace: sibling },
    applications: createApplicationStore(confined),
    people: createPersonStore(confined),
    teams: createTeamStore(confined),
    memberships: createMembershipStore(confined),
    subscriptions: createSubscriptionStore(confined),
    keys: createKeyStore(confined),
    temporaryKeys: createTemporaryKeyStore(confined),
    providers: createProviderStore(confined),
    credentials: createCredentialStore({ db: confined, workspaceId, dataKeys }),
    credentialRotations: createCredentialRotationStore(confined),
    aliases: createAliasStore(confined),
    audit: createAuditStore(confined),
    catalogue: createCatalogueStore(confined),
    activity: createKeyActivityStore(confined),
    scans: createKeyScanStore(confined),
    rotationPolicies: createRotationPolicyStore(confined),
    reveals: createRevealStore({ db: confined, workspaceId, dataKeys }),
    webhooks: createWebhookStore({ db: confined, workspaceId, dataKeys }),
    outbox: createOutboxStore(confined),
    alerts: createAlertStore(confined),
    cases: createCaseStore(confined),
    masked: createMaskedKeyStore(confined),
    responseRules: createResponseRuleStore(confined),
    responses: createResponseStore(confined),
    adminTokens: createAdminTokenStore(confined),
    adminRefusals: createAdminRefusalStore(confined),
  };
}

/**
 * A transaction inside a transaction is part of the outer one. Should it fail, the outer one fails
 * too, even where the error was caught: all or nothing.
 */
async function runIn<T>(options: WorkspaceStoreOptions, work: (tx: WorkspaceStore) => Promise<T>): Promise<T> {
  let failure: { readonly error: unknown } | null = null;
  const open = (workspaceId: string): WorkspaceStore => {
    const inner: WorkspaceStore = {
      ...createStores({ ...options, workspaceId }, open),
      transaction: async (nested) => {
        try {
          return await nested(inner);
        } catch (error) {
          failure ??= { error };
          throw error;
        }
      },
    };
    return inner;
  };
  const result = await work(open(options.workspaceId));
  rethrow(failure);
  return result;
}

function rethrow(failure: { readonly error: unknown } | null): void {
  if (failure === null) return;
  throw failure.error instanceof Error
    ? failure.error
    : new Error('the nested transaction failed', { cause: failure.error });
}
