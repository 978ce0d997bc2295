import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import { newId } from './new-id.ts';
import type { ApplicationRow } from './stores.ts';

/** What a workspace begins with: an application that may call every model, for keys that name none. */
export function firstApplication(nowMs: number): ApplicationRow {
  return {
    id: newId('app', nowMs),
    name: 'Default',
    state: 'active',
    subscribedModels: ['*'],
    subscribedServices: [],
    ownerId: null,
    teamId: null,
    scopes: NO_SCOPES,
    scopesSetAtMs: nowMs,
    limits: NO_LIMITS,
    isDefault: true,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: null,
  };
}
