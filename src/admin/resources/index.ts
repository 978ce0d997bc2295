import { applications } from './applications.ts';
import { auditEvents } from './audit-events.ts';
import { calls } from './calls.ts';
import { caseSteps } from './case-steps.ts';
import { cases } from './cases.ts';
import { credentials } from './credentials.ts';
import { diagnosis } from './diagnose.ts';
import { explain } from './explain.ts';
import { keyHistory } from './key-history.ts';
import { keyLife } from './key-life.ts';
import { keyRotation } from './key-rotation.ts';
import { keyTest } from './key-test.ts';
import { keyVerify } from './key-verify.ts';
import { keys } from './keys.ts';
import { models } from './models.ts';
import { providers } from './providers.ts';
import { status } from './status.ts';
import { usage } from './usage.ts';

/** Every endpoint of the admin API. */
export const ENDPOINTS = [
  ...keyVerify,
  ...keyTest,
  ...keys,
  ...keyLife,
  ...keyHistory,
  ...keyRotation,
  ...applications,
  ...providers,
  ...credentials,
  ...models,
  ...calls,
  ...explain,
  ...diagnosis,
  ...cases,
  ...caseSteps,
  ...usage,
  ...auditEvents,
  ...status,
] as const;
