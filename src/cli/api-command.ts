import { createClient } from '../client/client.ts';
import type { LiveOperationId } from '../client/client.ts';
import { AdminApiError, AdminUnreachableError } from '../client/client-error.ts';
import { OPERATIONS } from '../client/operations.ts';
import type { OperationId } from '../client/operations.ts';
import { CliError } from './cli-error.ts';
import { findConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { inputOf, parseArguments } from './flag-values.ts';
import { commandHelp } from './help.ts';
import { renderAnswer } from './render.ts';
import { styleOf } from './style.ts';
import type { Terminal } from './terminal.ts';
import { LIVE_VIEWS, VIEWS } from './views.ts';

/** An operation of the admin API as a command. */
export async function runApiCommand(id: OperationId, args: readonly string[], terminal: Terminal): Promise<void> {
  const operation = OPERATIONS[id];
  const parsed = parseArguments(args, operation.flags, operation.cli?.verb ?? '');
  const { help, json, url, 'data-dir': dataDir, workspace } = parsed.values;
  if (help === true) {
    terminal.out(commandHelp(operation));
    return;
  }
  const input = await inputOf(operation, parsed, terminal);
  const connection = findConnection(
    { ...(typeof url === 'string' ? { url } : {}), ...(typeof dataDir === 'string' ? { dataDir } : {}) },
    terminal.env,
  );
  const within = typeof workspace === 'string' ? { workspaceId: workspace } : {};
  if (json !== true && isLive(id)) {
    await follow(id, { ...connection, ...within }, input, terminal);
    return;
  }
  const answer = await withProgress(terminal, () => call({ ...connection, ...within }, id, input));
  // A table in CSV is for another program, as it is.
  if (typeof answer === 'string') {
    terminal.out(answer);
    return;
  }
  const { text, failure } = VIEWS[id]?.(answer, styleOf(terminal)) ?? { text: renderAnswer(operation, answer) };
  terminal.out(json === true ? `${JSON.stringify(answer, null, 2)}\n` : text);
  if (failure !== undefined) throw new CliError(failure);
}

/** Shows each part of the answer when it comes. */
async function follow(
  id: LiveOperationId,
  connection: Connection & { readonly workspaceId?: string },
  input: Awaited<ReturnType<typeof inputOf>>,
  terminal: Terminal,
): Promise<void> {
  const { part: show, end } = LIVE_VIEWS[id];
  const style = styleOf(terminal);
  const client = createClient(connection);
  const answer = await withProgress(terminal, () =>
    client
      .followUnchecked(id, input, (part) => terminal.out(show(part, style)))
      .catch((error: unknown) => {
        throw explained(error, connection);
      }),
  );
  const { text, failure } = end(answer, style);
  terminal.out(text);
  if (failure !== undefined) throw new CliError(failure);
}

function isLive(id: OperationId): id is LiveOperationId {
  return Object.hasOwn(LIVE_VIEWS, id);
}

const PROGRESS_EVERY_MS = 2000;

/** Long work shows that it goes on: beside the answer, which stays alone on the output. */
async function withProgress<T>(terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const timer = setInterval(() => {
    terminal.err(`Still working, for ${Math.round((performance.now() - startedMs) / 1000)} s …\n`);
  }, PROGRESS_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

async function call(
  connection: Connection & { readonly workspaceId?: string },
  id: OperationId,
  input: Awaited<ReturnType<typeof inputOf>>,
): Promise<unknown> {
  try {
    return await createClient(connection).callUnchecked(id, input);
  } catch (error) {
    throw explained(error, connection);
  }
}

function explained(error: unknown, { baseUrl, tokenSource }: Connection): unknown {
  if (error instanceof AdminUnreachableError) {
    return new CliError(
      `Nothing answers at ${baseUrl}. Start the server with "npm start" (or "keyward serve"), or name another with --url.`,
      { cause: error },
    );
  }
  if (!(error instanceof AdminApiError)) return error;
  if (error.status === 401) {
    return new CliError(
      `${baseUrl} does not accept the token from ${tokenSource}. Name the server's data folder with --data-dir, or set KEYWARD_ADMIN_TOKEN.`,
      { cause: error },
    );
  }
  const request = error.requestId === null ? '' : `, request ${error.requestId}`;
  return new CliError(`${error.message} (${error.code}${request})`, { cause: error });
}
