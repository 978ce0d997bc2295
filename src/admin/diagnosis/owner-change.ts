/** What may be changed of whoever stands behind a key: each choice through the resource that owns it. */
import { recordChange } from '../change.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { update as updateApplication } from '../resources/applications.ts';
import { update as updateKey } from '../resources/keys.ts';
import type { KeyRow } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { workspaceNow } from './present-input.ts';

export const OWNER_CHOICES = ['reassign', 'enable-application'] as const;

export interface OwnerChoice {
  readonly choice: (typeof OWNER_CHOICES)[number];
  readonly applicationId?: string;
  readonly ownerId?: string | null;
}

type ChangeOwner = (tx: CallContext, row: KeyRow, choice: OwnerChoice) => Promise<Change<unknown>>;

/** A further choice, such as one on people, is a further row. */
const CHANGES: Readonly<Record<OwnerChoice['choice'], ChangeOwner>> = {
  reassign: (tx, row, choice) => {
    const input = { params: { kid: row.kid }, query: { strict: false }, body: reassignment(tx, choice) };
    return recordChange(tx, { action: updateKey.id, targetKind: 'key' }, (ctx) => updateKey.change(ctx, input));
  },
  'enable-application': (tx, row) => {
    const query = { preview: false, limit: 1 };
    const input = { params: { id: row.applicationId }, query, body: { state: 'active' as const } };
    const audited = { action: updateApplication.id, targetKind: 'application' };
    return recordChange(tx, audited, (ctx) => updateApplication.change(ctx, input));
  },
};

/** Inside a transaction; the change has an audit entry of its own. */
export function changeOwner(tx: CallContext, row: KeyRow, choice: OwnerChoice): Promise<Change<unknown>> {
  return CHANGES[choice.choice](tx, row, choice);
}

function reassignment(tx: CallContext, { applicationId, ownerId }: OwnerChoice) {
  if (applicationId === undefined && ownerId === undefined) {
    throw invalidField('body', 'choice', 'reassign needs an applicationId, an ownerId, or both');
  }
  if (typeof ownerId === 'string' && !Object.hasOwn(workspaceNow(tx)?.people ?? {}, ownerId)) {
    throw invalidField('body', 'ownerId', `names no person: ${ownerId}`);
  }
  return { ...(applicationId === undefined ? {} : { applicationId }), ...(ownerId === undefined ? {} : { ownerId }) };
}
