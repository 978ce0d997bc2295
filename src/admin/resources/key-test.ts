import { z } from 'zod';
import { KEY_TEXT_LENGTH_MAX } from '../../keys/examine-form.ts';
import { liveEndpoint } from '../contract.ts';
import { selfTest, selfTestStep, selfTestView } from '../diagnosis/self-test.ts';
import { keyRef, requireKey } from './key-view.ts';

/** What a test may be told. */
export const testFields = {
  model: z
    .string()
    .min(1)
    .max(256)
    .exactOptional()
    .describe(
      'A model or alias to call; without one, a model that the key may call and that costs nothing, if there is one.',
    ),
  secret: z
    .string()
    .min(1)
    .max(KEY_TEXT_LENGTH_MAX)
    .meta({ description: 'The whole key, for a real call. It is neither stored nor logged.', writeOnly: true })
    .exactOptional(),
};

const test = liveEndpoint({
  id: 'keys.test',
  path: '/keys/:kid/test',
  permission: 'keys:test',
  summary: 'Test a key live',
  description:
    "Step by step: form, existence, secret, life cycle, owners, scope, limits and, where the whole key is given, a real call through the gateway's own port and the provider's answer. The first step that fails is named; the call leaves a record like any other. Asked with `accept: application/x-ndjson` or `text/event-stream`, each step is told once it is done, and the whole answer at the end.",
  cli: { verb: 'keys test' },
  params: z.strictObject({ kid: keyRef }),
  body: z.strictObject(testFields),
  part: selfTestStep,
  response: selfTestView,
  errors: ['not_found'],
  handler: async (ctx, { params: { kid }, body: { model, secret } }, tell) => {
    const wish = { ...(model === undefined ? {} : { model }), ...(secret === undefined ? {} : { key: secret }) };
    return selfTest(ctx, await requireKey(ctx.workspace, kid), wish, tell);
  },
});

export const keyTest = [test] as const;
