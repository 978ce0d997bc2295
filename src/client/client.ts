import type { z } from 'zod';
import type { ENDPOINTS } from '../admin/resources/index.ts';
import { AdminApiError, AdminUnreachableError } from './client-error.ts';
import type { ProblemField } from './client-error.ts';
import { OPERATIONS } from './operations.ts';
import type { OperationId } from './operations.ts';

type EndpointOf<Id extends OperationId> = Extract<(typeof ENDPOINTS)[number], { readonly id: Id }>;

/** What an operation takes: only the parts that have fields, and those without a required field need not be given. */
export type OperationInput<Id extends OperationId> = Part<'params', z.input<EndpointOf<Id>['params']>> &
  Part<'query', z.input<EndpointOf<Id>['query']>> &
  Part<'body', z.input<EndpointOf<Id>['body']>>;

/** What an operation answers. */
export type OperationOutput<Id extends OperationId> = z.output<EndpointOf<Id>['response']>;

/** Operations that tell their answer part by part. */
export type LiveOperationId = Extract<(typeof ENDPOINTS)[number], { readonly part: z.ZodType }>['id'];

/** What such an operation tells, one after another. */
export type OperationPart<Id extends LiveOperationId> = z.output<
  Extract<(typeof ENDPOINTS)[number], { readonly id: Id; readonly part: z.ZodType }>['part']
>;

type Part<Name extends string, Fields> =
  Fields extends Record<string, never>
    ? unknown
    : Partial<Fields> extends Fields
      ? { readonly [K in Name]?: Fields }
      : { readonly [K in Name]: Fields };

type InputArguments<Id extends OperationId> =
  Partial<OperationInput<Id>> extends OperationInput<Id> ? [input?: OperationInput<Id>] : [input: OperationInput<Id>];

export interface ClientOptions {
  /** Where the control plane is, for example `http://127.0.0.1:8081`. */
  readonly baseUrl: string;
  readonly token: string;
  /** The workspace that calls are about; the default one unless it is named. */
  readonly workspaceId?: string;
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
}

/** Input whose form nobody has checked, as the command line makes it; the server refuses what is wrong. */
export interface UncheckedInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

export interface Client {
  /** Rejects with an {@link AdminApiError} or an {@link AdminUnreachableError}. */
  call<Id extends OperationId>(id: Id, ...input: InputArguments<Id>): Promise<OperationOutput<Id>>;
  /** The same for an operation that is known at run time only. */
  callUnchecked(id: OperationId, input: UncheckedInput): Promise<unknown>;
  /** Like `call`; `tell` is given each part of the answer as it becomes known. */
  follow<Id extends LiveOperationId>(
    id: Id,
    input: OperationInput<Id> & UncheckedInput,
    tell: (part: OperationPart<Id>) => void,
  ): Promise<OperationOutput<Id>>;
  followUnchecked(id: LiveOperationId, input: UncheckedInput, tell: (part: unknown) => void): Promise<unknown>;
}

const TIMEOUT_MS = 60_000;
const NDJSON = 'application/x-ndjson';

/** A client of the admin API, typed by the contract of its endpoints. */
export function createClient(options: ClientOptions): Client {
  const callUnchecked = async (id: OperationId, input: UncheckedInput): Promise<unknown> =>
    readAnswer(await send(options, id, input, 'application/json'));
  const followUnchecked: Client['followUnchecked'] = async (id, input, tell) => {
    const response = await send(options, id, input, NDJSON);
    const isLive = response.headers.get('content-type')?.startsWith(NDJSON) === true;
    return isLive ? readLines(options, response, tell) : readAnswer(response);
  };
  return {
    callUnchecked,
    followUnchecked,
    // The server parses every answer by the endpoint's own schema before it sends it.
    call: <Id extends OperationId>(id: Id, ...[input]: InputArguments<Id>) =>
      callUnchecked(id, input ?? {}) as Promise<OperationOutput<Id>>,
    follow: <Id extends LiveOperationId>(
      id: Id,
      input: OperationInput<Id> & UncheckedInput,
      tell: (part: OperationPart<Id>) => void,
    ): Promise<OperationOutput<Id>> =>
      // As above, and so is every part.
      followUnchecked(id, input, (part) => tell(part as OperationPart<Id>)) as Promise<OperationOutput<Id>>,
  };
}

async function send(options: ClientOptions, id: OperationId, input: UncheckedInput, accept: string): Promise<Response> {
  const { method } = OPERATIONS[id];
  const url = `${options.baseUrl.replace(/\/+$/, '')}/api/v1${pathOf(id, input.params ?? {})}${queryOf(input.query ?? {})}`;
  return reach(options, url, {
    method,
    headers: {
      authorization: `Bearer ${options.token}`,
      accept,
      ...(options.workspaceId === undefined ? {} : { 'x-keyward-workspace': options.workspaceId }),
      ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    // A bearer token must not follow a redirect to a place that nobody named.
    redirect: 'error',
    signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
  });
}

async function readAnswer(response: Response): Promise<unknown> {
  if (response.ok && response.headers.get('content-type')?.startsWith('text/csv') === true) return response.text();
  const answer = await readJson(response);
  if (response.ok && answer !== undefined) return answer;
  throw errorOf(response.status, answer);
}

/** Tells each part; the answer is what the last line holds. */
async function readLines(options: ClientOptions, response: Response, tell: (part: unknown) => void): Promise<unknown> {
  let last: unknown;
  try {
    for await (const line of linesOf(response)) {
      const message: unknown = JSON.parse(line);
      if (typeof message !== 'object' || message === null) continue;
      if ('part' in message) tell(message.part);
      else last = message;
    }
  } catch (cause) {
    throw new AdminUnreachableError(options.baseUrl, cause);
  }
  if (typeof last === 'object' && last !== null) {
    if ('answer' in last) return last.answer;
    if ('problem' in last) throw errorOf(statusOf(last.problem), last.problem);
  }
  throw new AdminUnreachableError(options.baseUrl, new Error('the answer ended before its end'));
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  for await (const text of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

function statusOf(problem: unknown): number {
  const isTold = typeof problem === 'object' && problem !== null && 'status' in problem;
  return isTold && typeof problem.status === 'number' ? problem.status : 500;
}

async function reach(options: ClientOptions, url: string, init: RequestInit): Promise<Response> {
  try {
    return await (options.fetch ?? fetch)(url, init);
  } catch (cause) {
    throw new AdminUnreachableError(options.baseUrl, cause);
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    // Not an answer of the admin API: told by the error that this leads to.
    return undefined;
  }
}

function pathOf(id: OperationId, params: Readonly<Record<string, string>>): string {
  return OPERATIONS[id].path.replaceAll(/:(\w+)/g, (_match, name: string) => encodeURIComponent(params[name] ?? ''));
}

function queryOf(query: Readonly<Record<string, unknown>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) given.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  return given.size === 0 ? '' : `?${given.toString()}`;
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly requestId?: string;
  readonly errors?: readonly ProblemField[];
}

function errorOf(status: number, answer: unknown): AdminApiError {
  if (isProblem(answer)) {
    const { code, detail, requestId = null, errors = [] } = answer;
    return new AdminApiError({ status, code, message: detail, requestId, fields: errors });
  }
  const message = `What answered (HTTP ${status}) is not Keyward's admin API. Check the URL.`;
  return new AdminApiError({ status, code: 'unexpected_answer', message, requestId: null, fields: [] });
}

function isProblem(answer: unknown): answer is Problem {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'code' in answer &&
    typeof answer.code === 'string' &&
    'detail' in answer &&
    typeof answer.detail === 'string'
  );
}
