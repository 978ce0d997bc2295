import { z } from 'zod';
import { readEndpoint } from '../contract.ts';
import { exposureView, readExposure } from '../diagnosis/exposure.ts';
import { readTimeline, timelineEntryView } from '../diagnosis/timeline.ts';
import { pageFields, pageOf, pageRequest, time } from '../fields.ts';
import { invalidField } from '../validation.ts';
import { keyRef, requireKey } from './key-view.ts';

const params = z.strictObject({ kid: keyRef });
/** Call records are kept in a file a day: more days than this would be read for one answer. */
const DAYS_MAX = 400;
const DAY_MS = 86_400_000;

const timeline = readEndpoint({
  id: 'keys.timeline',
  method: 'GET',
  path: '/keys/:kid/timeline',
  permission: 'calls:read',
  summary: 'Show the timeline of a key',
  description:
    'What was done to it and with it, newest first; calls one after another with the same outcome are one entry.',
  cli: { verb: 'keys timeline', columns: ['at', 'kind', 'what', 'actor', 'models', 'addresses'] },
  params,
  query: z.strictObject(pageFields),
  response: pageOf(timelineEntryView),
  errors: ['not_found'],
  handler: async (ctx, { params: { kid }, query }) => {
    const row = await requireKey(ctx.workspace, kid);
    return readTimeline(ctx, row.kid, pageRequest(query));
  },
});

const exposure = readEndpoint({
  id: 'keys.exposure',
  method: 'GET',
  path: '/keys/:kid/exposure',
  permission: 'calls:read',
  summary: 'Report what a key did since a moment',
  description:
    'For a key that somebody else may have had: what it called, from where, how much, and which addresses are new. Without a moment: the last 24 hours.',
  cli: { verb: 'keys exposure' },
  params,
  query: z.strictObject({ since: time.exactOptional().describe('Inclusive.') }),
  response: exposureView,
  errors: ['not_found'],
  handler: async (ctx, { params: { kid }, query }) => {
    const sinceMs = query.since === undefined ? ctx.nowMs - DAY_MS : Date.parse(query.since);
    if (sinceMs > ctx.nowMs) throw invalidField('query', 'since', 'lies in the future');
    if (ctx.nowMs - sinceMs > DAYS_MAX * DAY_MS)
      throw invalidField('query', 'since', `must lie at most ${DAYS_MAX} days back`);
    const row = await requireKey(ctx.workspace, kid);
    return readExposure(ctx, row.kid, sinceMs);
  },
});

export const keyHistory = [timeline, exposure] as const;
