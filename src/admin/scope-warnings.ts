/**
 * What scopes name, but is not there: mostly slips of the pen, which would show only when a call is
 * refused. A tool and an endpoint may be anything: nobody here knows which there are.
 */
import { z } from 'zod';
import type { Scopes } from '../keys/constraints.ts';
import { matchesModel, compileModelPatterns, modelPatternsOf } from '../keys/model-pattern.ts';
import type { KnownModel } from '../keys/reach.ts';
import type { Change } from './change.ts';
import type { CallContext } from './contract.ts';
import { flag } from './fields.ts';
import { presentRefusal } from './impact.ts';
import { knownModels } from './known-models.ts';
import type { ApplicationRow, KeyRow } from './stores.ts';
import { invalidField } from './validation.ts';

/** Of the query of whatever sets scopes. */
export const strictField = { strict: flag.describe('True: refused where there would be a warning.') };

/** Of its answer. */
export const warningsField = {
  warnings: z
    .array(z.string())
    .describe('Sentences about what the scopes name but is not there, or cannot be reached by them.'),
};

export interface ScopeWarning {
  /** For example `scopes.models[0]`. */
  readonly field: string;
  /** A sentence's end. */
  readonly message: string;
}

/** What a key's scopes name in vain, as sentences; under `strict` the first of them is a refusal. */
export async function warningsOf(
  ctx: CallContext,
  row: KeyRow,
  application: ApplicationRow,
  strict: boolean,
): Promise<string[]> {
  const { workspaceId } = ctx.workspace;
  const found = scopeWarnings(ctx, row.scopes, { workspaceId, application: await withApproved(ctx, application) });
  return tell([...found, ...(await standingWarnings(ctx, row))], strict);
}

/** The same of an application, whose scopes narrow what it is subscribed to. */
export async function applicationWarnings(ctx: CallContext, row: ApplicationRow, strict: boolean): Promise<string[]> {
  const { workspaceId } = ctx.workspace;
  return tell(scopeWarnings(ctx, row.scopes, { workspaceId, application: await withApproved(ctx, row) }), strict);
}

/** The same of a team or a workspace. */
export function groupWarnings(ctx: CallContext, scopes: Scopes, workspaceId: string, strict: boolean): string[] {
  return tell(scopeWarnings(ctx, scopes, { workspaceId, application: null }), strict);
}

/** A change whose answer tells the warnings, too. */
export function withWarnings<Out extends object>(
  change: Change<Out>,
  warnings: string[],
): Change<Out & { warnings: string[] }> {
  return { ...change, answer: (receipt) => ({ ...change.answer(receipt), warnings }) };
}

function tell(warnings: readonly ScopeWarning[], strict: boolean): string[] {
  const [first] = warnings;
  if (strict && first !== undefined) throw invalidField('body', first.field, first.message);
  return warnings.map(({ field, message }) => `${field} ${message}.`);
}

interface Place {
  readonly workspaceId: string;
  /** With all that it is subscribed to; null: there are several. */
  readonly application: ApplicationRow | null;
}

function scopeWarnings(ctx: CallContext, scopes: Scopes, place: Place): readonly ScopeWarning[] {
  return [
    ...modelWarnings(scopes, place.application, catalogueOf(ctx, place.workspaceId)),
    ...serviceWarnings(scopes, place.application),
    ...countryWarnings(scopes),
  ];
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

/** A workspace that is only being made has nothing yet: there a name counts that any workspace knows. */
function catalogueOf({ deps }: CallContext, workspaceId: string): Catalogue {
  const snapshot = deps.snapshotSource.current();
  const ids = Object.hasOwn(snapshot.workspaces, workspaceId) ? [workspaceId] : Object.keys(snapshot.workspaces);
  return {
    models: ids.flatMap((id) => knownModels(snapshot, id)),
    providers: ids.flatMap((id) => Object.keys(snapshot.workspaces[id]?.providers ?? {})),
  };
}

function modelWarnings(
  { models }: Scopes,
  application: ApplicationRow | null,
  catalogue: Catalogue,
): readonly ScopeWarning[] {
  return (models ?? []).flatMap((pattern, index) => {
    const message = whyPointless(pattern, application, catalogue);
    return message === null ? [] : [{ field: `scopes.models[${index}]`, message }];
  });
}

function whyPointless(
  pattern: string,
  application: ApplicationRow | null,
  { models, providers }: Catalogue,
): string | null {
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
  if (application === null) return null;
  const subscribed = modelPatternsOf(application.subscribedModels);
  const reachable = named.some(
    ({ requested, model }) => matchesModel(subscribed, requested) || matchesModel(subscribed, model),
  );
  return reachable ? null : `names what the application ${application.id} is not subscribed to: ${pattern}`;
}

function serviceWarnings({ services }: Scopes, application: ApplicationRow | null): readonly ScopeWarning[] {
  if (application === null) return [];
  return (services ?? []).flatMap((name, index) =>
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

const regionNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
/** Codes that Unicode has names for, and ISO 3166-1 assigns to no country: such as UK, EU and ZZ, "unknown". */
const NO_COUNTRIES: ReadonlySet<string> = new Set('AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ'.split(' '));

function countryWarnings({ countries }: Scopes): readonly ScopeWarning[] {
  return (countries ?? []).flatMap((code, index) =>
    isCountry(code)
      ? []
      : [{ field: `scopes.countries[${index}]`, message: `names no country of ISO 3166-1: ${code}` }],
  );
}

/** XK, Kosovo, is nobody's but in use. A code that was given up, or stands for another, is told by that other. */
function isCountry(code: string): boolean {
  if (NO_COUNTRIES.has(code) || regionNames.of(code) === undefined) return false;
  return new Intl.Locale('und', { region: code }).region === code;
}

/** What the application stands on may be broken: then no call with the key would pass. */
async function standingWarnings(ctx: CallContext, row: KeyRow): Promise<readonly ScopeWarning[]> {
  const code = await presentRefusal(ctx, row);
  if (code === null || row.state !== 'active' || EXPECTED.has(code)) return [];
  return [{ field: 'applicationId', message: `leads to a key that every call is refused with at present: ${code}` }];
}

/** What whoever sets the key has asked for. */
const EXPECTED: ReadonlySet<string> = new Set(['not_yet_active', 'expired']);
