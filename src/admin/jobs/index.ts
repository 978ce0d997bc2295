import type { Job } from '../../watch/jobs/scheduler.ts';
import type { AdminDeps } from '../ports.ts';
import { deliverEventsJob } from './deliver-events.ts';
import { endResponsesJob } from './end-responses.ts';
import { endUnusedJob } from './end-unused.ts';
import { exhaustionJobs } from './exhaustion.ts';
import { expiryNoticesJob } from './expiry-notices.ts';
import { idleKeysJob } from './idle-keys.ts';
import { providerPoolJobs } from './provider-pools.ts';
import { reclaimJobs } from './reclaim.ts';
import { respondJobs } from './respond.ts';
import { rotateCredentialsJob } from './rotate-credentials.ts';
import { rotateDueJob } from './rotate-due.ts';
import { secretAgeJob } from './secret-age.ts';
import { upkeepJob } from './upkeep.ts';

/** Everything that happens to keys without anybody asking. */
export function keyJobs(deps: AdminDeps): readonly Job[] {
  return [
    rotateDueJob(deps),
    rotateCredentialsJob(deps),
    endUnusedJob(deps),
    expiryNoticesJob(deps),
    secretAgeJob(deps),
    idleKeysJob(deps),
    ...respondJobs(deps),
    endResponsesJob(deps),
    ...exhaustionJobs(deps),
    ...providerPoolJobs(deps),
    ...reclaimJobs(deps),
    deliverEventsJob(deps),
    upkeepJob(deps),
  ];
}
