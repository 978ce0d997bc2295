import { z } from 'zod';
import { generationOf } from '../../keys/rotate.ts';
import { none, readEndpoint } from '../contract.ts';
import { durationText, iso, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import type { RotationPolicyRow } from '../key-life-stores.ts';
import { isLive, readPolicies, secretSinceMs } from '../rotation-policy.ts';
import type { KeyRow } from '../stores.ts';

const DAY_MS = 86_400_000;
/** A key that no policy speaks of should have been rotated by then. */
const NEVER_ROTATED_MS = 90 * DAY_MS;
const RULES = ['too-old', 'never-rotated', 'no-expiry'] as const;
type Rule = (typeof RULES)[number];

const violator = z
  .object({
    kid: z.string(),
    name: z.string(),
    applicationId: z.string(),
    policyId: z.string().nullable().describe('The policy that applies to the key.'),
    secretSince: time.describe('When the secret in use was made.'),
    violations: z.array(
      z.object({ rule: z.enum(RULES), message: z.string().describe('What is wrong and what to do.') }),
    ),
  })
  .meta({ id: 'RotationViolator' });

const rotationViolations = readEndpoint({
  id: 'reports.rotation-violations',
  method: 'GET',
  path: '/reports/rotation-violations',
  permission: 'reports:read',
  summary: 'Report keys that break the rules of rotation',
  description:
    'Active keys whose secret is older than the maximum age of their policy, that were never rotated although their policy or 90 days would have them, or that never expire. A page may hold fewer keys than its limit.',
  cli: { verb: 'reports rotation-violations', columns: ['kid', 'name', 'applicationId', 'secretSince', 'violations'] },
  params: none,
  query: z.strictObject({ rule: z.enum(RULES).exactOptional(), ...pageFields }),
  response: pageOf(violator),
  handler: async (ctx, { query }) => {
    const book = await readPolicies(ctx.workspace);
    const page = await ctx.workspace.keys.list(pageRequest(query), { state: 'active' });
    const items = page.items
      .filter((key) => isLive(key, ctx.nowMs))
      .map((key) => {
        const policy = book.policyFor(key);
        const all = violationsOf(key, policy, ctx.nowMs);
        return {
          ...{ kid: key.kid, name: key.name, applicationId: key.applicationId, policyId: policy?.id ?? null },
          secretSince: iso(secretSinceMs(key)),
          violations: all.filter(({ rule }) => query.rule === undefined || rule === query.rule),
        };
      })
      .filter(({ violations }) => violations.length > 0);
    return { items, next: page.next };
  },
});

/** Which rules of rotation a key breaks. */
export function violationsOf(key: KeyRow, policy: RotationPolicyRow | null, nowMs: number) {
  const ageMs = nowMs - secretSinceMs(key);
  const age = `${Math.floor(ageMs / DAY_MS)} days`;
  const found: { rule: Rule; message: string }[] = [];
  if (policy !== null && policy.maximumAgeMs !== null && ageMs >= policy.maximumAgeMs) {
    const message = `Its secret is ${age} old; the policy "${policy.name}" allows ${durationText(policy.maximumAgeMs)}. Rotate it: keys rotate ${key.kid}.`;
    found.push({ rule: 'too-old', message });
  }
  const rotateByMs = policy?.intervalMs ?? policy?.maximumAgeMs ?? NEVER_ROTATED_MS;
  if (ageMs >= rotateByMs && key.secrets.every((secret) => generationOf(secret) === 1)) {
    const message = `It was never rotated in ${age}. Rotate it: keys rotate ${key.kid}, or put it under a rotation policy.`;
    found.push({ rule: 'never-rotated', message });
  }
  if (key.expiresAtMs === null) {
    const message = `It never expires. Give it an end: keys update ${key.kid} --expires-in 90d.`;
    found.push({ rule: 'no-expiry', message });
  }
  return found;
}

export const reports = [rotationViolations] as const;
