import { z } from 'zod';
import { acceptedUntilMs, generationOf } from '../../keys/rotate.ts';
import { none, readEndpoint } from '../contract.ts';
import { count, iso, isoOrNull, time } from '../fields.ts';
import { activityOf } from '../known-activity.ts';
import { keyRef, requireKey } from './key-view.ts';

const adoptionView = z
  .object({
    kid: z.string(),
    lastUsedAt: time.nullable(),
    lastAddress: z.string().nullable(),
    generations: z
      .array(
        z.object({
          generation: z.int(),
          state: z.enum(['current', 'retiring', 'superseded', 'forgotten']),
          acceptedUntil: time.nullable(),
          mayEndFrom: time
            .nullable()
            .describe('From when on it ends as soon as nobody sends it any more; null: at its time only.'),
          calls: count,
          lastUsedAt: time.nullable(),
          callers: z.array(
            z.object({
              network: z.string().describe('/24 of IPv4, /64 of IPv6.'),
              userAgent: z.string().describe('The product that it names; empty where it names none.'),
              calls: count,
              firstUsedAt: time,
              lastUsedAt: time,
            }),
          ),
        }),
      )
      .describe('Each secret of the key, the newest first.'),
  })
  .meta({ id: 'Adoption' });

const adoption = readEndpoint({
  id: 'keys.adoption',
  method: 'GET',
  path: '/keys/:kid/adoption',
  permission: 'keys:read',
  summary: 'Show who uses which secret of a key',
  description:
    'For each secret, the callers that sent it and when they last did: who has to move before an old one ends. Calls show here a moment after they were made; the 100 callers that called last are known.',
  cli: { verb: 'keys adoption' },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  response: adoptionView,
  errors: ['not_found'],
  handler: async (ctx, { params: { kid } }) => {
    const key = await requireKey(ctx.workspace, kid);
    const activity = await activityOf(ctx, key.kid);
    const known = new Map(key.secrets.map((secret) => [generationOf(secret), secret]));
    const used = (activity?.generations ?? []).map(({ generation }) => generation);
    const generations = [...new Set([...known.keys(), ...used])].toSorted((a, b) => b - a);
    return {
      kid: key.kid,
      lastUsedAt: isoOrNull(activity?.lastUsedAtMs ?? null),
      lastAddress: activity?.lastAddress ?? null,
      generations: generations.map((generation) => {
        const secret = known.get(generation);
        const calls = activity?.generations.find((entry) => entry.generation === generation);
        return {
          generation,
          state: secret?.state ?? ('forgotten' as const),
          acceptedUntil: isoOrNull(secret === undefined ? null : acceptedUntilMs(secret, key.expiresAtMs)),
          mayEndFrom: isoOrNull(secret?.earlyEnd?.fromMs ?? null),
          calls: calls?.calls ?? 0,
          lastUsedAt: isoOrNull(calls?.lastMs ?? null),
          callers: (activity?.callers ?? [])
            .filter((caller) => caller.generation === generation)
            .map((caller) => ({
              network: caller.network,
              userAgent: caller.agent,
              calls: caller.calls,
              firstUsedAt: iso(caller.firstMs),
              lastUsedAt: iso(caller.lastMs),
            })),
        };
      }),
    };
  },
});

export const keyAdoption = [adoption] as const;
