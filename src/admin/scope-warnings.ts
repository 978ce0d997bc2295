/** What a key's scopes name, but is not there: mostly slips of the pen, which would show only when a call is refused. */
import { matchesModel, compileModelPatterns, modelPatternsOf } from '../keys/model-pattern.ts';
import type { KnownModel } from '../keys/reach.ts';
import type { CallContext } from './contract.ts';
import { presentRefusal } from './impact.ts';
import { knownModels } from './known-models.ts';
import type { ApplicationRow, KeyRow } from './stores.ts';
import { invalidField } from './validation.ts';

export interface ScopeWarning {
  /** For example `scopes.models[0]`. */
  readonly field: string;
  /** A sentence's end. */
  readonly message: string;
}

/** The warnings as sentences; under `strict` the first of them is a refusal. */
export async function warningsOf(
  ctx: CallContext,
  row: KeyRow,
  application: ApplicationRow,
  strict: boolean,
): Promise<string[]> {
  const models = knownModels(ctx.deps.snapshotSource.current(), ctx.workspace.workspaceId);
  const providers = Object.keys(
    ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId]?.providers ?? {},
  );
  const subscribed = await withApproved(ctx, application);
  const warnings = [
    ...modelWarnings(row, subscribed, { models, providers }),
    ...serviceWarnings(row, subscribed),
    ...(await standingWarnings(ctx, row)),
  ];
  const [first] = warnings;
  if (strict && first !== undefined) throw invalidField('body', first.field, first.message);
  return warnings.map(({ field, message }) => `${field} ${message}.`);
}

/** The application with what it was granted beside its own lists. */
async function withApproved({ workspace }: CallContext, application: ApplicationRow): Promise<ApplicationRow> {
  const approved = (await workspace.subscriptions.ofApplication(application.id)).filter(
    ({ state }) => state === 'approved',
  );
  const namesOf = (wanted: 'model' | 'service') =>
    approved.filter(({ kind }) => kind === wanted).map(({ name }) => name);
  return {
    ...application,
    subscribedModels: [...application.subscribedModels, ...namesOf('model')],
    subscribedServices: [...application.subscribedServices, ...namesOf('service')],
  };
}

interface Catalogue {
  readonly models: readonly KnownModel[];
  readonly providers: readonly string[];
}

function modelWarnings(row: KeyRow, application: ApplicationRow, catalogue: Catalogue): readonly ScopeWarning[] {
  return (row.scopes.models ?? []).flatMap((pattern, index) => {
    const message = whyPointless(pattern, application, catalogue);
    return message === null ? [] : [{ field: `scopes.models[${index}]`, message }];
  });
}

function whyPointless(pattern: string, application: ApplicationRow, { models, providers }: Catalogue): string | null {
  const patterns = compileModelPatterns([pattern]);
  const named = models.filter(
    ({ requested, model }) => matchesModel(patterns, requested) || matchesModel(patterns, model),
  );
  const [provider = ''] = pattern.split('/');
  if (named.length === 0) {
    if (pattern.includes('/') && !provider.includes('*') && !providers.includes(provider)) {
      return `names the provider ${provider}, which is not there: ${pattern}`;
    }
    return pattern.includes('*')
      ? `matches no model or alias that is known here: ${pattern}`
      : `names no model or alias that is known here: ${pattern}`;
  }
  const subscribed = modelPatternsOf(application.subscribedModels);
  const reachable = named.some(
    ({ requested, model }) => matchesModel(subscribed, requested) || matchesModel(subscribed, model),
  );
  return reachable ? null : `names what the application ${application.id} is not subscribed to: ${pattern}`;
}

function serviceWarnings(row: KeyRow, application: ApplicationRow): readonly ScopeWarning[] {
  return (row.scopes.services ?? []).flatMap((name, index) =>
    application.subscribedServices.includes(name)
      ? []
      : [
          {
            field: `scopes.services[${index}]`,
            message: `names a service that the application ${application.id} is not subscribed to: ${name}`,
          },
        ],
  );
}

/** What the application stands on may be broken: then no call with the key would pass. */
async function standingWarnings(ctx: CallContext, row: KeyRow): Promise<readonly ScopeWarning[]> {
  const code = await presentRefusal(ctx, row);
  if (code === null || row.state !== 'active' || EXPECTED.has(code)) return [];
  return [{ field: 'applicationId', message: `leads to a key that every call is refused with at present: ${code}` }];
}

/** What whoever sets the key has asked for. */
const EXPECTED: ReadonlySet<string> = new Set(['not_yet_active', 'expired']);
