import { ERRORS } from '../errors.ts';
import type { Gateway } from './gateway.ts';
import { handle } from './handle.ts';
import type { InboundServer, MalformedReason } from './inbound.ts';
import { createInboundServer } from './inbound-server.ts';
import type { ListenOptions } from './messages.ts';
import { guessDialect } from './routes.ts';

export interface GatewayServerOptions {
  readonly tls: ListenOptions['tls'];
  readonly connectionsMax: number;
}

/** The gateway's listener. Sizes in bytes, times in milliseconds. */
export function createGatewayServer(gateway: Gateway, { tls, connectionsMax }: GatewayServerOptions): InboundServer {
  return createInboundServer({
    tls,
    headBytesMax: 16_384,
    headerLinesMax: 100,
    headTimeoutMs: 10_000,
    /** Long enough for a large body on a slow line. */
    bodyTimeoutMs: 300_000,
    keepAliveMs: 75_000,
    connectionsMax,
    onRequest: (inbound) => void handle(gateway, inbound),
    malformedAnswer: (reason, target) => malformedAnswer(gateway.nextRequestId(), reason, target),
  });
}

/** In the dialect of the path, as far as there is one. */
function malformedAnswer(requestId: string, reason: MalformedReason, target: string) {
  const { status, title } = ERRORS[reason];
  const body = Buffer.from(guessDialect(target).errorBody({ status, code: reason, message: title, requestId }));
  return { status, headers: ['content-type', 'application/json', 'x-request-id', requestId], body };
}
