/** Whether whoever stands behind a key exists, is active and belongs to it, and what can be done. */
import { explain } from '../../keys/decide.ts';
import { NO_FACTS } from '../../keys/decision-input.ts';
import type { Owner } from '../../keys/standing.ts';
import type { CallContext } from '../contract.ts';
import type { KeyRow } from '../stores.ts';
import type { StepOutcome } from './case-record.ts';
import type { OwnerChoice } from './owner-change.ts';
import { currentSecret, presentInput } from './present-input.ts';

interface Offer {
  /** As the step update-owner takes it. */
  readonly choice: OwnerChoice['choice'];
  readonly what: string;
}

export async function ownerEvidence(ctx: CallContext, row: KeyRow): Promise<StepOutcome> {
  const input = await presentInput(ctx, row, { facts: NO_FACTS, matchedSecret: currentSecret(row) });
  const { application, owners, team } = input.standing;
  const problems = (explain(input).trace?.checks ?? []).filter(
    ({ group, outcome }) => group === 'owner' && outcome === 'fail',
  );
  return {
    state: problems.length === 0 ? 'done' : 'failed',
    evidence: {
      sound: problems.length === 0,
      application: { id: row.applicationId, exists: application !== null, state: application?.state ?? null },
      owners: owners.map(viewOwner),
      team: team === null ? null : { id: team.id, state: team.state },
      problems: problems.map(({ code, detail, wouldPassIf }) => ({ code, detail, wouldPassIf })),
      offers:
        problems.length === 0
          ? []
          : offersOf(
              application !== null,
              owners,
              problems.map(({ code }) => code ?? ''),
            ),
    },
  };
}

function viewOwner({ id, person, membership }: Owner) {
  return { id, exists: person !== null, state: person?.state ?? null, role: membership?.role ?? null };
}

function offersOf(hasApplication: boolean, owners: readonly Owner[], codes: readonly string[]): readonly Offer[] {
  const offers: Offer[] = [];
  if (codes.includes('application_disabled') && hasApplication) {
    offers.push({ choice: 'enable-application', what: 'Enable the application of the key.' });
  }
  for (const { id, person } of owners) {
    if (person === null) {
      offers.push({ choice: 'restore-person', what: `Restore the person ${id}, where they were deleted.` });
      offers.push({ choice: 'create-person', what: `Create a person in the place of ${id}.` });
    } else if (person.state === 'disabled') {
      offers.push({ choice: 'enable-person', what: `Enable the person ${id}.` });
    }
  }
  if (codes.some((code) => code === 'owner_not_member' || code === 'owner_role_lost')) {
    offers.push({ choice: 'join-team', what: 'Give the owner a membership of the team that may own keys.' });
  }
  return [
    ...offers,
    { choice: 'reassign', what: 'Give the key another application, another owner, or none of its own.' },
  ];
}
