import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { GatewayPort, GatewayReply, GatewayRequest } from './ports.ts';

export interface GatewayProbeOptions {
  /** The gateway's own address, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** PEM: the certificate that it shows, the only one that is believed; null without TLS. */
  readonly certificate: string | null;
}

const TIMEOUT_MS = 60_000;
/** More of an answer is not read. */
const BODY_CHARACTERS_MAX = 16_384;

/** Calls the gateway over its own port, so that a test goes the way of every call. */
export function createGatewayProbe({ url, certificate }: GatewayProbeOptions): GatewayPort {
  const tls =
    certificate === null ? {} : { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  return { post: (request) => post(url, request, tls) };
}

function post(url: string, { path, headers, body }: GatewayRequest, tls: RequestOptions): Promise<GatewayReply> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const options: RequestOptions = {
      ...tls,
      host: target.hostname.replaceAll(/^\[|\]$/g, ''),
      port: target.port,
      path,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    const request = send(options, (response) => collect(response).then(resolve, reject));
    request.once('error', reject);
    request.end(body);
  });
}

async function collect(response: IncomingMessage): Promise<GatewayReply> {
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    if (body.length < BODY_CHARACTERS_MAX) body += String(chunk);
  }
  const requestId = response.headers['x-request-id'];
  return {
    status: response.statusCode ?? 0,
    requestId: typeof requestId === 'string' ? requestId : null,
    body: body.slice(0, BODY_CHARACTERS_MAX),
  };
}
