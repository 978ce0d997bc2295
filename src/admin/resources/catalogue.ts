import { z } from 'zod';
import { commitChange } from '../change.ts';
import { none, questionEndpoint, readEndpoint } from '../contract.ts';
import { isoOrNull, time } from '../fields.ts';
import type { ModelCatalogueStatus } from '../ports.ts';

const catalogueView = z
  .object({
    source: z
      .string()
      .nullable()
      .describe('The file or URL that the configuration names, over what the product ships.'),
    state: z
      .enum(['built-in', 'applied', 'rejected', 'not-read'])
      .describe('rejected: what was in use before stays. not-read: a URL is read only when this is refreshed.'),
    appliedAt: time.nullable(),
    error: z.string().nullable(),
    models: z.int().describe('How many models the source told of.'),
  })
  .meta({ id: 'ModelCatalogue' });

const read = readEndpoint({
  id: 'catalogue.read',
  method: 'GET',
  path: '/catalogue',
  permission: 'models:read',
  summary: 'Show where models and prices are known from',
  description: 'The catalogue that the product ships, and the operator’s own over it.',
  cli: { verb: 'catalogue show' },
  params: none,
  query: none,
  response: catalogueView,
  handler: async ({ deps }) => view(deps.modelCatalogue.status()),
});

const refresh = questionEndpoint({
  id: 'catalogue.refresh',
  path: '/catalogue/refresh',
  permission: 'catalogue:refresh',
  summary: 'Read the catalogue of models anew',
  description:
    'From the file or URL that the configuration names. What cannot be used changes nothing, and the answer says why.',
  cli: { verb: 'catalogue refresh' },
  params: none,
  body: none,
  response: catalogueView,
  audit: { targetKind: 'catalogue' },
  handler: async (ctx) => {
    const before = view(ctx.deps.modelCatalogue.status());
    // Outside of the transaction: it may wait for a network.
    const after = view(await ctx.deps.modelCatalogue.refresh());
    const audited = { action: 'catalogue.refresh', targetKind: 'catalogue' };
    const { change } = await commitChange(ctx, audited, async () => ({
      targetId: 'catalogue',
      before,
      after,
      propagate: { kind: after.state === 'applied' ? ('snapshot' as const) : ('none' as const) },
      answer: () => after,
    }));
    return change.answer(null);
  },
});

function view({ appliedAtMs, ...status }: ModelCatalogueStatus): z.input<typeof catalogueView> {
  return { ...status, appliedAt: isoOrNull(appliedAtMs) };
}

export const catalogue = [read, refresh] as const;
