import type { Kysely } from 'kysely';
import type { WorkspaceStore } from '../admin/stores.ts';
import { createAliasStore } from './aliases.ts';
import { createApplicationStore } from './applications.ts';
import { createAuditStore } from './audit.ts';
import { createCatalogueStore } from './catalogue.ts';
import { createCredentialStore } from './credentials.ts';
import type { DataKeys } from './data-keys.ts';
import { createKeyStore } from './keys.ts';
import { createMaskedKeyStore } from './masked-keys.ts';
import { createProviderStore } from './providers.ts';
import type { Tables } from './schema.ts';
import { confine } from './workspace-plugin.ts';

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
    ...createStores(options),
    transaction: (work) => options.db.transaction().execute((trx) => runIn({ ...options, db: trx }, work)),
  };
}

type Stores = Omit<WorkspaceStore, 'transaction'>;

function createStores({ db, workspaceId, dataKeys }: WorkspaceStoreOptions): Stores {
  const confined = confine(db, workspaceId);
  return {
    workspaceId,
    applications: createApplicationStore(confined),
    keys: createKeyStore(confined),
    providers: createProviderStore(confined),
    credentials: createCredentialStore({ db: confined, workspaceId, dataKeys }),
    aliases: createAliasStore(confined),
    audit: createAuditStore(confined),
    catalogue: createCatalogueStore(confined),
    masked: createMaskedKeyStore(confined),
  };
}

/**
 * A transaction inside a transaction is part of the outer one. Should it fail, the outer one fails
 * too, even where the error was caught: all or nothing.
 */
async function runIn<T>(options: WorkspaceStoreOptions, work: (tx: WorkspaceStore) => Promise<T>): Promise<T> {
  let failure: { readonly error: unknown } | null = null;
  const inner: WorkspaceStore = {
    ...createStores(options),
    transaction: async (nested) => {
      try {
        return await nested(inner);
      } catch (error) {
        failure ??= { error };
        throw error;
      }
    },
  };
  const result = await work(inner);
  rethrow(failure);
  return result;
}

function rethrow(failure: { readonly error: unknown } | null): void {
  if (failure === null) return;
  throw failure.error instanceof Error
    ? failure.error
    : new Error('the nested transaction failed', { cause: failure.error });
}
