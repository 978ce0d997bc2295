import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';
import { isoOrNull, iso, time } from '../fields.ts';

const statusView = z
  .object({
    version: z.string(),
    startedAt: time,
    uptimeSeconds: z.int(),
    snapshotVersion: z.int(),
    workers: z.array(
      z.object({
        id: z.int(),
        state: z.string(),
        acknowledgedVersion: z.int().describe('The last snapshot that this worker acknowledged.'),
      }),
    ),
    configFile: z.object({
      path: z.string().nullable(),
      state: z.enum(['absent', 'applied', 'rejected']).describe('rejected: the last good content stays in force.'),
      appliedAt: time.nullable(),
      errors: z.array(
        z.object({ file: z.string(), line: z.int(), column: z.int(), path: z.string(), message: z.string() }),
      ),
    }),
  })
  .meta({ id: 'Status' });

const read = readEndpoint({
  id: 'status.read',
  method: 'GET',
  path: '/status',
  permission: 'status:read',
  summary: 'Show the state of this installation',
  description: 'Version, workers and the configuration they have acknowledged, and the configuration file.',
  cli: { verb: 'status' },
  params: none,
  query: none,
  response: statusView,
  handler: async ({ deps, nowMs }) => {
    const { snapshotVersion, workers } = deps.fleet.status();
    const { path, state, appliedAtMs, errors } = deps.configFile.status();
    return {
      version: deps.version,
      startedAt: iso(deps.startedAtMs),
      uptimeSeconds: Math.max(0, Math.floor((nowMs - deps.startedAtMs) / 1000)),
      snapshotVersion,
      workers: [...workers],
      configFile: { path, state, appliedAt: isoOrNull(appliedAtMs), errors: [...errors] },
    };
  },
});

export const status = [read] as const;
