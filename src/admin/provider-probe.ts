import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ProviderPort, ProviderReply, ProviderRequest } from './ports.ts';

const TIMEOUT_MS = 15_000;
/** More of an answer is not read. */
const BODY_BYTES_MAX = 65_536;

/** Asks providers from the control plane, where only single questions come from. */
export function createProviderProbe(): ProviderPort {
  return { get: (request) => get(request) };
}

function get({ url, headers }: ProviderRequest): Promise<ProviderReply> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const options = {
      method: 'GET',
      headers: [...headers, 'host', target.host],
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    const request = send(target, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        if (bytes < BODY_BYTES_MAX) chunks.push(chunk);
        bytes += chunk.length;
      });
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)),
          body: Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX),
        }),
      );
    });
    request.once('error', reject);
    request.end();
  });
}
