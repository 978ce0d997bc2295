import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { z } from 'zod';
import { AppError, ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { decide } from '../keys/decide.ts';
import { findRepeatedMember } from '../lib/json-repeats.ts';
import { createRequestIds } from '../lib/request-id.ts';
import { adminInput, findAdminCredential } from './admin-credential.ts';
import type { AdminCredential, AdminFacts } from './admin-credential.ts';
import { keepRefusal, refusalDetail } from './admin-refusal.ts';
import { none } from './contract.ts';
import { toCsv } from './csv.ts';
import type { Endpoint } from './contract.ts';
import { renderDocsPage } from './docs-page.ts';
import { isOwnHost } from './host-check.ts';
import { buildOpenApi } from './openapi.ts';
import { liveAnswer, liveTypeOf } from './live-answer.ts';
import { LEAK_PATHS, addLeakIntake } from './leaks/intake.ts';
import type { AdminDeps } from './ports.ts';
import { problemResponse } from './problem.ts';
import type { ProblemOptions } from './problem.ts';
import { readText } from './read-text.ts';
import { ENDPOINTS } from './resources/index.ts';
import { REVEAL_CSP, REVEAL_PAGE } from './reveal-page.ts';
import { openReveal } from './reveal.ts';
import { invalidField, parseInput } from './validation.ts';

export const API_PREFIX = '/api/v1';
const WORKSPACE_HEADER = 'x-keyward-workspace';
const NO_INPUT = { params: {}, query: new URLSearchParams() };
const revealInput = z.strictObject({ token: z.string().min(1).max(200) });
const API_CSP = "default-src 'none'; frame-ancestors 'none'";

export interface AdminEnv {
  // Without a socket (in tests) there are no bindings.
  Bindings: Partial<HttpBindings>;
  Variables: { requestId: string };
}

type AdminContext = Context<AdminEnv>;

/** The admin API as a fetch handler, derived from the list of endpoints. */
export function createAdminApp(deps: AdminDeps): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  const newRequestId = createRequestIds(() => deps.clock.now());
  const allowedHosts = new Set(deps.allowedHosts);

  app.use(async (c, next) => {
    c.set('requestId', newRequestId());
    const { hostname } = new URL(c.req.url);
    if (isOwnHost(hostname, allowedHosts) || hostname === URL.parse(deps.adminUrl())?.hostname) await next();
    else
      c.res = problem(c, 'invalid_host', {
        detail: 'This server does not answer under this name. An operator can allow it.',
      });
    setSecurityHeaders(c);
  });

  addDocuments(app, deps);
  addReveal(app, deps);
  addLeakIntake(app, deps, clientAddressOf);
  for (const endpoint of ENDPOINTS) {
    app.on(endpoint.method, `${API_PREFIX}${endpoint.path}`, (c) => serve(c, endpoint, deps));
  }
  addMethodRefusals(app);

  app.notFound((c) =>
    problem(c, 'not_found', {
      detail: 'There is no such path here. The API is below /api/v1; /api/docs describes it.',
    }),
  );
  app.onError((error, c) => failureOf(c, error, deps));
  return app;
}

/** One admin call, from the token to the answer. */
async function serve(c: AdminContext, endpoint: Endpoint, deps: AdminDeps): Promise<Response> {
  const credential = await authenticate(c, deps);
  if (credential === null) return problem(c, 'unauthenticated', { headers: { 'www-authenticate': 'Bearer' } });
  const refused = await refuse(c, endpoint, credential, deps);
  if (refused !== null) return refused;
  const { principal } = credential;
  const raw = {
    params: c.req.param(),
    query: new URL(c.req.url).searchParams,
    body: endpoint.method === 'GET' ? {} : await readJson(c),
  };
  const workspaceId = await enteredWorkspace(c, credential, deps);
  const ctx = {
    workspace: deps.store.workspace(workspaceId),
    principal,
    deps: workspaceId === deps.defaultWorkspaceId ? deps : { ...deps, configFile: withoutDeclarations(deps) },
    nowMs: deps.clock.now(),
    requestId: c.var.requestId,
    clientAddress: clientAddressOf(c),
  };
  const liveType = endpoint.part === null ? null : liveTypeOf(c.req.header('accept'));
  if (liveType !== null) {
    return liveAnswer(
      liveType,
      (tell) => endpoint.run(ctx, raw, tell),
      async (error) => failureOf(c, error, deps).json(),
    );
  }
  const { status, body, inForce } = await endpoint.run(ctx, raw);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (inForce !== null) {
    deps.log.info({ requestId: ctx.requestId, actor: principal.actor, action: endpoint.id }, 'admin change');
    headers.set('x-keyward-in-force', inForce ? 'everywhere' : 'pending');
  }
  if (endpoint.csvColumns !== null && asksForCsv(c)) return csvAnswer(endpoint.csvColumns, body);
  return new Response(JSON.stringify(body), { status, headers });
}

function asksForCsv(c: AdminContext): boolean {
  const format = c.req.query('format');
  return format === undefined ? /^text\/csv\b/i.test(c.req.header('accept') ?? '') : format === 'csv';
}

/** The next page's cursor goes into a header: a table has no place for it. */
function csvAnswer(columns: readonly string[], body: unknown): Response {
  const { items, next } = z.object({ items: z.array(z.unknown()), next: z.string().nullable() }).parse(body);
  const headers = new Headers({ 'content-type': 'text/csv; charset=utf-8; header=present' });
  if (next !== null) headers.set('x-keyward-next', next);
  return new Response(toCsv(columns, items), { headers });
}

/** Whether the token may make the call: decided by the engine that decides on keys. */
async function refuse(
  c: AdminContext,
  endpoint: Endpoint,
  credential: AdminCredential,
  deps: AdminDeps,
): Promise<Response | null> {
  const facts: AdminFacts = {
    method: c.req.method,
    path: c.req.path,
    address: clientAddressOf(c),
    needed: [endpoint.permission, ...(isElsewhere(c, credential) ? ['workspaces:enter' as const] : [])],
  };
  const input = await adminInput(deps, credential, facts, deps.clock.now());
  const { code } = decide(input);
  if (code === null) return null;
  await keepRefusal(deps, credential, { code, input, requestId: c.var.requestId });
  return problem(c, code, {
    detail: refusalDetail(code, input, facts),
    headers: ERRORS[code].status === 401 ? { 'www-authenticate': 'Bearer' } : {},
  });
}

function isElsewhere(c: AdminContext, { workspaceId }: AdminCredential): boolean {
  return (c.req.header(WORKSPACE_HEADER) ?? workspaceId) !== workspaceId;
}

/** The workspace that the call is about: the one that an operator names, or that of the token. */
async function enteredWorkspace(c: AdminContext, { workspaceId }: AdminCredential, deps: AdminDeps): Promise<string> {
  const named = c.req.header(WORKSPACE_HEADER) ?? workspaceId;
  if (named === workspaceId) return named;
  if ((await deps.store.workspaces.get(named)) !== null) return named;
  throw new AppError('not_found', { message: `There is no workspace ${named}. GET /api/v1/workspaces lists them.` });
}

/** What the file declares belongs to the default workspace. */
function withoutDeclarations({ configFile }: AdminDeps): AdminDeps['configFile'] {
  return { status: () => configFile.status(), declaresProvider: () => false, declaresAlias: () => false };
}

function clientAddressOf(c: AdminContext): string {
  return c.env?.incoming?.socket.remoteAddress ?? '';
}

/** A bearer token in the header, and nowhere else: URLs end up in logs and histories. */
async function authenticate(c: AdminContext, deps: AdminDeps): Promise<AdminCredential | null> {
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
  return token === undefined ? null : findAdminCredential(deps, token);
}

/** The parsed body; `{}` when there is none, so that a POST without options needs no body. */
async function readJson(c: AdminContext): Promise<unknown> {
  const text = await readText(c);
  if (text === '') return {};
  const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new AppError('unsupported_media_type');
  const body = parseJson(text);
  const repeated = findRepeatedMember(text);
  if (repeated !== null) throw invalidField('body', repeated, 'must be given only once');
  return body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid_json', { cause });
  }
}

function addDocuments(app: Hono<AdminEnv>, deps: AdminDeps): void {
  const document = buildOpenApi(ENDPOINTS, deps.version);
  const page = renderDocsPage(document);
  app.get('/api/openapi.json', (c) => c.json(document));
  app.get('/api/docs', (c) => {
    c.header('content-security-policy', page.contentSecurityPolicy);
    return c.html(page.html);
  });
}

/** A call without an admin token: the link itself is what allows it. */
function addReveal(app: Hono<AdminEnv>, deps: AdminDeps): void {
  app.get('/reveal', (c) => {
    c.header('content-security-policy', REVEAL_CSP);
    return c.html(REVEAL_PAGE);
  });
  app.post('/reveal', async (c) => {
    const { body } = parseInput(
      { params: none, query: none, body: revealInput },
      { ...NO_INPUT, body: await readJson(c) },
    );
    const caller = { requestId: c.var.requestId, clientAddress: clientAddressOf(c) };
    return c.json(await openReveal(deps, body.token, caller));
  });
}

/** Registered after the endpoints: whatever reaches them asked for a known path with another method. */
function addMethodRefusals(app: Hono<AdminEnv>): void {
  const paths = Map.groupBy(ENDPOINTS, (endpoint) => `${API_PREFIX}${endpoint.path}`);
  const documents = [
    ...['/api/openapi.json', '/api/docs'].map((path) => [path, ['GET']] as const),
    ['/reveal', ['GET', 'POST']] as const,
    ...LEAK_PATHS.map((path) => [path, ['POST']] as const),
  ];
  const endpoints = [...paths].map(([path, list]) => [path, list.map(({ method }) => method)] as const);
  for (const [path, methods] of [...endpoints, ...documents]) {
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
    app.all(path, (c) =>
      problem(c, 'method_not_allowed', { detail: `This path accepts ${allow}.`, headers: { allow } }),
    );
  }
}

function setSecurityHeaders(c: AdminContext): void {
  const { headers } = c.res;
  headers.set('x-request-id', c.var.requestId);
  headers.set('x-content-type-options', 'nosniff');
  headers.set('cache-control', 'no-store');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-resource-policy', 'same-origin');
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', API_CSP);
  if (c.req.url.startsWith('https:')) headers.set('strict-transport-security', 'max-age=31536000');
}

function failureOf(c: AdminContext, error: unknown, deps: AdminDeps): Response {
  if (error instanceof AppError) return problemOf(c, error);
  deps.log.error({ err: error, requestId: c.var.requestId }, 'an admin call failed');
  return problem(c, 'internal_error');
}

function problemOf(c: AdminContext, error: AppError): Response {
  const details = error.details;
  const members: Readonly<Record<string, unknown>> =
    typeof details === 'object' && details !== null ? { ...details } : {};
  const retryAfterMs = members['retryAfterMs'];
  const headers = typeof retryAfterMs === 'number' ? { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } : {};
  return problem(c, error.code, { detail: error.message, members, headers });
}

function problem(c: Context, code: ErrorCode, options: Omit<ProblemOptions, 'requestId'> = {}): Response {
  return problemResponse(code, { requestId: String(c.get('requestId')), ...options });
}
