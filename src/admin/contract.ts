/**
 * One value defines an admin endpoint. Router, validation, permission check, audit entry, OpenAPI,
 * typed client and CLI verb are derived from it. An endpoint without a permission does not compile,
 * nor does a changing endpoint that does not say what it changes.
 */
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import { commitChange, previewChange } from './change.ts';
import type { Change } from './change.ts';
import type { AdminDeps } from './ports.ts';
import type { Permission, Principal } from './rbac.ts';
import type { WorkspaceStore } from './stores.ts';
import { parseInput } from './validation.ts';
import type { RawInput } from './validation.ts';

/** What a handler knows of the call. Inside a change, `workspace` is the transaction. */
export interface CallContext {
  readonly workspace: WorkspaceStore;
  readonly principal: Principal;
  readonly deps: AdminDeps;
  readonly nowMs: number;
  readonly requestId: string;
  readonly clientAddress: string;
}

export interface CliVerb {
  /** For example `keys create`. */
  readonly verb: string;
  /** The columns of a list, as paths into an item, in order. */
  readonly columns?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Whether a change is in force on every worker; null where nothing was changed. */
  readonly inForce: boolean | null;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** For endpoints without path parameters, query or body. */
export const none = z.strictObject({});

/** What reads and changes have in common. */
interface Definition<Id extends string, Params extends z.ZodObject, Query extends z.ZodObject, Out extends z.ZodType> {
  /** `resource.action`: the audit log's action and the client's name for it. */
  readonly id: Id;
  /** Below `/api/v1`, parameters as `:name`. */
  readonly path: `/${string}`;
  readonly permission: Permission;
  /** A few words, imperative. */
  readonly summary: string;
  readonly description: string;
  readonly cli?: CliVerb;
  readonly params: Params;
  readonly query: Query;
  /** What is answered; fields that it does not name are dropped, so that nothing slips out. */
  readonly response: Out;
  /** The columns of its list as CSV, which callers can ask for in the place of JSON. */
  readonly csvColumns?: readonly string[];
  /** Errors it answers with besides those that every endpoint can give. */
  readonly errors?: readonly ErrorCode[];
}

export interface ReadDefinition<
  Id extends string,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Out extends z.ZodType,
> extends Definition<Id, Params, Query, Out> {
  readonly method: 'GET';
  readonly handler: (
    ctx: CallContext,
    input: { readonly params: z.output<Params>; readonly query: z.output<Query> },
  ) => Promise<z.input<Out>>;
}

export interface ChangeDefinition<
  Id extends string,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Out extends z.ZodType,
> extends Definition<Id, Params, Query, Out> {
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly body: Body;
  /** The status of success; 200 unless stated. */
  readonly status?: 200 | 201;
  /** The status while not every worker has acknowledged; the same as `status` unless stated. */
  readonly statusWhilePending?: 202;
  /** What kind of thing is changed; which one, and from what to what, is in the {@link Change}. */
  readonly audit: { readonly targetKind: string };
  /** Runs in a transaction, together with the audit entry. */
  readonly handler: (
    ctx: CallContext,
    input: { readonly params: z.output<Params>; readonly query: z.output<Query>; readonly body: z.output<Body> },
  ) => Promise<Change<z.input<Out>>>;
}

export interface QuestionDefinition<
  Id extends string,
  Params extends z.ZodObject,
  Body extends z.ZodType,
  Out extends z.ZodType,
> extends Omit<Definition<Id, Params, typeof none, Out>, 'query'> {
  readonly body: Body;
  /** Set where it changes something beside its question, which it then commits itself. */
  readonly audit?: { readonly targetKind: string };
  readonly handler: (
    ctx: CallContext,
    input: { readonly params: z.output<Params>; readonly body: z.output<Body> },
  ) => Promise<z.input<Out>>;
}

/** A question whose answer takes a while: what it consists of is told as it becomes known, to callers who ask for that. */
export interface LiveDefinition<
  Id extends string,
  Params extends z.ZodObject,
  Body extends z.ZodType,
  Part extends z.ZodType,
  Out extends z.ZodType,
> extends Omit<QuestionDefinition<Id, Params, Body, Out>, 'handler' | 'csvColumns'> {
  readonly part: Part;
  readonly handler: (
    ctx: CallContext,
    input: { readonly params: z.output<Params>; readonly body: z.output<Body> },
    tell: (part: z.input<Part>) => void,
  ) => Promise<z.input<Out>>;
}

/** An endpoint as router, documents, client and CLI see it. */
export interface Endpoint<
  Id extends string = string,
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Out extends z.ZodType = z.ZodType,
> {
  readonly id: Id;
  readonly method: Method;
  readonly path: `/${string}`;
  readonly permission: Permission;
  readonly summary: string;
  readonly description: string;
  readonly cli: CliVerb | null;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly response: Out;
  readonly errors: readonly ErrorCode[];
  readonly csvColumns: readonly string[] | null;
  /** Every status of success, the usual one first. */
  readonly statuses: readonly number[];
  readonly audit: 'none' | { readonly targetKind: string };
  /** What the answer is told in, part by part, to callers who ask for a stream; null: it is told at once. */
  readonly part: z.ZodType | null;
  /** `tell` is called with each part, as it becomes known. */
  run(ctx: CallContext, raw: RawInput, tell?: (part: unknown) => void): Promise<Answer>;
}

/** One that tells its answer part by part. */
export interface LiveEndpoint<
  Id extends string,
  Params extends z.ZodObject,
  Body extends z.ZodType,
  Part extends z.ZodType,
  Out extends z.ZodType,
> extends Endpoint<Id, Params, typeof none, Body, Out> {
  readonly part: Part;
}

/** One that changes something. Its change can be part of another's: see `recordChange`. */
export interface ChangeEndpoint<
  Id extends string,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Out extends z.ZodType,
> extends Endpoint<Id, Params, Query, Body, Out> {
  readonly change: ChangeDefinition<Id, Params, Query, Body, Out>['handler'];
}

/** An endpoint that changes nothing. */
export function readEndpoint<
  const Id extends string,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Out extends z.ZodType,
>(definition: ReadDefinition<Id, Params, Query, Out>): Endpoint<Id, Params, Query, typeof none, Out> {
  const { id, method, path, permission, summary, description, params, query, response, handler } = definition;
  return {
    ...{ id, method, path, permission, summary, description, params, query, response },
    body: none,
    cli: definition.cli ?? null,
    errors: definition.errors ?? [],
    csvColumns: definition.csvColumns ?? null,
    statuses: [200],
    audit: 'none',
    part: null,
    run: async (ctx, raw) => {
      const input = parseInput({ params, query, body: none }, raw);
      return { status: 200, body: response.parse(await handler(ctx, input)), inForce: null };
    },
  };
}

function isPreview(query: object): boolean {
  return 'preview' in query && query.preview === true;
}

/** An endpoint that changes nothing stored, asked by POST: what it is asked with does not belong into a URL. */
export function questionEndpoint<
  const Id extends string,
  Params extends z.ZodObject,
  Body extends z.ZodType,
  Out extends z.ZodType,
>(definition: QuestionDefinition<Id, Params, Body, Out>): Endpoint<Id, Params, typeof none, Body, Out> {
  const { id, path, permission, summary, description, params, body, response, handler } = definition;
  return {
    ...{ id, method: 'POST', path, permission, summary, description, params, query: none, body, response },
    cli: definition.cli ?? null,
    errors: definition.errors ?? [],
    csvColumns: definition.csvColumns ?? null,
    statuses: [200],
    audit: definition.audit ?? 'none',
    part: null,
    run: async (ctx, raw) => {
      const input = parseInput({ params, query: none, body }, raw);
      return { status: 200, body: response.parse(await handler(ctx, input)), inForce: null };
    },
  };
}

/** A {@link questionEndpoint} that tells its answer part by part. */
export function liveEndpoint<
  const Id extends string,
  Params extends z.ZodObject,
  Body extends z.ZodType,
  Part extends z.ZodType,
  Out extends z.ZodType,
>(definition: LiveDefinition<Id, Params, Body, Part, Out>): LiveEndpoint<Id, Params, Body, Part, Out> {
  const { params, body, response, part, handler } = definition;
  const { handler: _live, part: _part, ...question } = definition;
  return {
    ...questionEndpoint({ ...question, handler: (ctx, input) => handler(ctx, input, () => undefined) }),
    part,
    run: async (ctx, raw, tell) => {
      const input = parseInput({ params, query: none, body }, raw);
      const answer = await handler(ctx, input, (told) => tell?.(part.parse(told)));
      return { status: 200, body: response.parse(answer), inForce: null };
    },
  };
}

/** An endpoint that changes something: in one transaction with its audit entry, then sent to the workers. */
export function changeEndpoint<
  const Id extends string,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Out extends z.ZodType,
>(definition: ChangeDefinition<Id, Params, Query, Body, Out>): ChangeEndpoint<Id, Params, Query, Body, Out> {
  const { id, method, path, permission, summary, description, params, query, body, response, handler } = definition;
  const { status = 200, statusWhilePending = status } = definition;
  return {
    ...{ id, method, path, permission, summary, description, params, query, body, response },
    cli: definition.cli ?? null,
    errors: definition.errors ?? [],
    csvColumns: definition.csvColumns ?? null,
    statuses: [...new Set([status, statusWhilePending, ...('preview' in query.shape ? [200] : [])])],
    audit: definition.audit,
    part: null,
    change: handler,
    run: async (ctx, raw) => {
      const input = parseInput({ params, query, body }, raw);
      if (isPreview(input.query)) {
        const answer = await previewChange(ctx, (tx) => handler(tx, input));
        return { status: 200, body: response.parse(answer), inForce: null };
      }
      const audited = { action: id, targetKind: definition.audit.targetKind };
      const { change, receipt } = await commitChange(ctx, audited, (tx) => handler(tx, input));
      const inForce = change.propagate.kind === 'none' || (receipt?.complete ?? false);
      return {
        status: inForce ? status : statusWhilePending,
        body: response.parse(change.answer(receipt)),
        inForce,
      };
    },
  };
}
