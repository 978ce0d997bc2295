import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { Inbound } from '../gateway/inbound.ts';
import { FetchInbound } from './fetch-inbound.ts';
import { NodeInbound } from './node-inbound.ts';

export interface HandlerOptions {
  /** Where the handler is mounted, for example `/proxy`: what is behind it is the provider's path. */
  readonly basePath?: string;
  /** The caller's address where a fetch request does not tell it; scopes on addresses refuse an unknown one. */
  readonly clientAddress?: (request: Request) => string;
  /** Milliseconds that a caller may take nothing of an answer before it is cut, at the provider too; 60,000. */
  readonly writeStallMs?: number;
}

/** Serves masked calls: mount it in `node:http`, in Express, or (`fetch`) in Hono and its like. */
export interface KeywardHandler {
  (req: IncomingMessage, res: ServerResponse): void;
  fetch(request: Request): Promise<Response>;
}

const BASE_PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;

export function createHandler(
  serve: (inbound: Inbound, basePath: string) => void,
  { basePath = '', clientAddress = () => '', writeStallMs = 60_000 }: HandlerOptions,
): KeywardHandler {
  if (!BASE_PATH.test(basePath)) {
    throw new AppError('validation_failed', {
      message: 'basePath must be a path such as /proxy, without a slash at its end.',
    });
  }
  const handle = (req: IncomingMessage, res: ServerResponse): void =>
    serve(new NodeInbound(req, res, writeStallMs), basePath);
  return Object.assign(handle, {
    fetch: (request: Request): Promise<Response> => {
      const inbound = new FetchInbound(request, clientAddress(request), writeStallMs);
      serve(inbound, basePath);
      return inbound.response;
    },
  });
}
