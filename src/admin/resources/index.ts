import { accessReview } from './access-review.ts';
import { adminTokens } from './admin-tokens.ts';
import { alerts } from './alerts.ts';
import { applications } from './applications.ts';
import { auditEvents } from './audit-events.ts';
import { calls } from './calls.ts';
import { caseSteps } from './case-steps.ts';
import { catalogue } from './catalogue.ts';
import { cases } from './cases.ts';
import { credentialTest } from './credential-test.ts';
import { credentialRotations } from './credential-rotations.ts';
import { credentials } from './credentials.ts';
import { keyDelegation } from './key-delegation.ts';
import { integrity } from './integrity.ts';
import { jobs } from './jobs.ts';
import { keyAdoption } from './key-adoption.ts';
import { diagnosis } from './diagnose.ts';
import { explain } from './explain.ts';
import { keyHistory } from './key-history.ts';
import { keyLife } from './key-life.ts';
import { keyLimits } from './key-limits.ts';
import { keyMint } from './key-mint.ts';
import { keyPool } from './key-pool.ts';
import { keyRotation } from './key-rotation.ts';
import { keysBulk } from './keys-bulk.ts';
import { keyTest } from './key-test.ts';
import { keyVerify } from './key-verify.ts';
import { keys } from './keys.ts';
import { leakRules } from './leak-rules.ts';
import { members } from './members.ts';
import { models } from './models.ts';
import { people } from './people.ts';
import { providerPools } from './provider-pools.ts';
import { providers } from './providers.ts';
import { reports } from './reports.ts';
import { responseRules } from './response-rules.ts';
import { responses } from './responses.ts';
import { rotationPolicies } from './rotation-policies.ts';
import { status } from './status.ts';
import { subscriptions } from './subscriptions.ts';
import { teams } from './teams.ts';
import { temporaryKeyReport } from './temporary-key-report.ts';
import { usage } from './usage.ts';
import { workspaces } from './workspaces.ts';
import { webhooks } from './webhooks.ts';

/** Every endpoint of the admin API. */
export const ENDPOINTS = [
  ...keyVerify,
  ...keyTest,
  ...keys,
  ...keysBulk,
  ...keyLife,
  ...keyHistory,
  ...keyRotation,
  ...keyDelegation,
  ...keyMint,
  ...keyLimits,
  ...keyPool,
  ...providerPools,
  ...credentialTest,
  ...keyAdoption,
  ...leakRules,
  ...rotationPolicies,
  ...responseRules,
  ...responses,
  ...applications,
  ...subscriptions,
  ...people,
  ...teams,
  ...members,
  ...workspaces,
  ...providers,
  ...credentials,
  ...credentialRotations,
  ...models,
  ...catalogue,
  ...calls,
  ...explain,
  ...diagnosis,
  ...cases,
  ...caseSteps,
  ...usage,
  ...webhooks,
  ...alerts,
  ...reports,
  ...temporaryKeyReport,
  ...adminTokens,
  ...auditEvents,
  ...integrity,
  ...accessReview,
  ...jobs,
  ...status,
] as const;
