import { createServer as createHttpServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { StartError } from '../config/start-error.ts';
import type { AdminEnv } from './server.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly app: Hono<AdminEnv>;
}

export interface AdminServer {
  /** The port that was taken. */
  readonly port: number;
  /** Answers open calls, takes no new ones. */
  close(): Promise<void>;
}

const SERVER_OPTIONS = {
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  // Node looks for late clients only this often; its default of 30 s would make the limits above vague.
  connectionsCheckingInterval: 2_000,
};
/** After this, connections that are still open are cut. */
const CLOSE_GRACE_MS = 5_000;

/** Listens; rejects with a {@link StartError} when the port cannot be had. */
export async function startAdminServer({ host, port, tls, app }: AdminServerOptions): Promise<AdminServer> {
  const respond = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const listener: RequestListener = (req, res) => void respond(req, res);
  const server: Server = tls
    ? createHttpsServer({ ...SERVER_OPTIONS, ...tls }, listener)
    : createHttpServer(SERVER_OPTIONS, listener);
  await listen(server, host, port);
  return { port: addressOf(server).port, close: () => close(server) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(startError(cause, `${host}:${port}`)));
    server.listen(port, host, resolve);
  });
}

function startError(error: NodeJS.ErrnoException, where: string): StartError {
  const failed = `The control plane cannot listen on ${where}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartError(
        `${failed}: the port is taken.`,
        'Stop what uses it, or choose another with --admin-port.',
        error,
      );
    case 'EACCES':
      return new StartError(
        `${failed}: this user may not use this port.`,
        'Choose one above 1023 with --admin-port.',
        error,
      );
    case 'EADDRNOTAVAIL':
      return new StartError(
        `${failed}: this machine does not have this address.`,
        'Choose another with --host.',
        error,
      );
    default:
      return new StartError(`${failed} (${error.code ?? error.message}).`, 'Check --host and --admin-port.', error);
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the admin server has no TCP address');
  return address;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    cut.unref();
    server.close((error) => {
      clearTimeout(cut);
      if (error) reject(error);
      else resolve();
    });
    server.closeIdleConnections();
  });
}
