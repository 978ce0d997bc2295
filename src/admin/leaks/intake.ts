/**
 * Where scanners report keys that they found. There is no admin token: who may report proves it by a
 * signature, and everything that does not prove it is answered alike.
 */
import { createHash } from 'node:crypto';
import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { networkOf } from '../../keys/client-network.ts';
import { createFailureThrottle } from '../../keys/failure-throttle.ts';
import type { AdminDeps } from '../ports.ts';
import { readBytes } from '../read-text.ts';
import type { AdminEnv } from '../server.ts';
import type { ReportedToken } from './react-to-leak.ts';
import { takeLeak } from './take-leak.ts';
import type { LeakLabel } from './take-leak.ts';
import { isFromGithub, isSigned } from './verify-report.ts';

export const LEAK_PATHS = ['/leaks/github', '/leaks/report'] as const;

const BODY_BYTES_MAX = 256 * 1024;
const TOKENS_MAX = 500;
/** Reports of one network: a burst, and then one a second. */
const REPORTS = { burst: 60, perSecond: 1, sourcesMax: 10_000 } as const;

const text = z.string().max(2048);
const githubReport = z
  .array(
    z.object({ token: z.string().max(4096), type: z.string().max(200), url: text.nullish(), source: text.nullish() }),
  )
  .max(TOKENS_MAX);
const signedReport = z.object({
  leaks: z
    .array(z.object({ token: z.string().max(4096), url: text.nullish(), source: text.nullish() }))
    .min(1)
    .max(TOKENS_MAX),
});

interface Report {
  readonly body: Uint8Array;
  header(name: string): string;
}

/** Adds both paths; `addressOf` tells where a call comes from. */
export function addLeakIntake(app: Hono<AdminEnv>, deps: AdminDeps, addressOf: (c: Context<AdminEnv>) => string): void {
  const throttle = createFailureThrottle(REPORTS);
  const handle = (path: (typeof LEAK_PATHS)[number], take: (report: Report) => Promise<unknown>) =>
    app.post(path, async (c) => {
      const network = networkOf(addressOf(c));
      if (throttle.isBlocked(network, deps.clock.now())) {
        throw new AppError('leak_reports_limited', { details: { retryAfterMs: 1000 } });
      }
      throttle.recordFailure(network, deps.clock.now());
      const body = await readBytes(c, BODY_BYTES_MAX);
      return c.json(await take({ body, header: (name) => c.req.header(name) ?? '' }));
    });
  handle('/leaks/github', (report) => takeGithub(deps, report));
  handle('/leaks/report', (report) => takeSigned(deps, report));
}

async function takeGithub(deps: AdminDeps, { body, header }: Report) {
  const proof = {
    keyId: header('github-public-key-identifier'),
    signature: header('github-public-key-signature'),
  };
  if (!isFromGithub(body, proof, deps.leaks())) throw new AppError('leak_report_refused');
  const found = parsed(githubReport, body);
  const labels = await takeAll(deps, found.map(reportedToken), 'GitHub');
  // The hash in the place of the token: it is enough for GitHub, and no secret is sent anywhere.
  return found.map(({ token, type }, index) => ({
    token_hash: createHash('sha256').update(token).digest('hex'),
    token_type: type,
    label: labels[index],
  }));
}

async function takeSigned(deps: AdminDeps, { body, header }: Report) {
  const isProven = isSigned(body, header('x-keyward-signature'), deps.leaks(), deps.clock.now());
  if (!isProven) throw new AppError('leak_report_refused');
  const { leaks } = parsed(signedReport, body);
  const labels = await takeAll(deps, leaks.map(reportedToken), 'a scanner');
  return { leaks: labels.map((label) => ({ label })) };
}

/** One after the other: each is in force everywhere before its label is told. */
async function takeAll(deps: AdminDeps, tokens: readonly ReportedToken[], reporter: string): Promise<LeakLabel[]> {
  const labels: LeakLabel[] = [];
  for (const token of tokens) labels.push(await takeLeak(deps, token, reporter));
  const ours = labels.filter((label) => label === 'true_positive').length;
  deps.log.info({ reporter, reported: labels.length, ours }, 'leaked keys were reported');
  return labels;
}

function reportedToken(found: {
  readonly token: string;
  readonly url?: string | null | undefined;
  readonly source?: string | null | undefined;
}): ReportedToken {
  return { token: found.token, url: found.url ?? '', source: found.source ?? '' };
}

/** What does not have the form is refused without a word of it: it may hold keys. */
function parsed<T extends z.ZodType>(schema: T, body: Uint8Array): z.output<T> {
  const result = schema.safeParse(jsonOf(body));
  if (!result.success) throw new AppError('leak_report_malformed');
  return result.data;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new AppError('leak_report_malformed');
  }
}
