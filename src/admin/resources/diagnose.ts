import { z } from 'zod';
import { KEY_TEXT_LENGTH_MAX } from '../../keys/examine-form.ts';
import { none, questionEndpoint } from '../contract.ts';
import { diagnose, diagnosisView } from '../diagnosis/diagnose.ts';
import { keyRef } from './key-view.ts';

/** What a key is meant by: exactly one of them. */
export const handleFields = {
  key: z
    .string()
    .min(1)
    .max(KEY_TEXT_LENGTH_MAX)
    .meta({ description: 'The whole key. It is compared, and neither stored nor logged.', writeOnly: true })
    .exactOptional(),
  fingerprint: keyRef.exactOptional(),
  requestId: z.string().min(1).max(100).exactOptional().describe('The x-request-id of an answer.'),
};

interface Handle {
  readonly key?: string;
  readonly fingerprint?: string;
  readonly requestId?: string;
}

export function isOneHandle({ key, fingerprint, requestId }: Handle): boolean {
  return [key, fingerprint, requestId].filter((handle) => handle !== undefined).length === 1;
}

export const ONE_HANDLE = 'must name exactly one of key, fingerprint, requestId';

const run = questionEndpoint({
  id: 'diagnose.run',
  path: '/diagnose',
  permission: 'keys:diagnose',
  summary: 'Diagnose a key',
  description:
    'From the whole key, its fingerprint or a request id: its form, whether it exists, its secret, life and owners, what it can reach, its limits now, its last calls and failures, and what to do about each.',
  cli: { verb: 'diagnose' },
  params: none,
  body: z.strictObject(handleFields).refine(isOneHandle, ONE_HANDLE),
  response: diagnosisView,
  errors: ['not_found'],
  handler: (ctx, { body }) => diagnose(ctx, body),
});

export const diagnosis = [run] as const;
