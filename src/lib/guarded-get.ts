import { request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { PrivateAddressError, hostOf, isPublicAddress, publicLookup } from './public-address.ts';

export interface GuardedGet {
  readonly url: string;
  /** Whether addresses of one's own networks, and plain HTTP, are allowed. */
  readonly allowPrivate: boolean;
  readonly bytesMax: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a URL held, or why it cannot be had: the end of a public sentence that tells nothing of networks within. */
export type GuardedGetResult =
  | { readonly ok: true; readonly bytes: Buffer; readonly contentType: string | null }
  | { readonly ok: false; readonly problem: string };

const REDIRECTS_MAX = 3;

/**
 * Gets what a stranger's URL names, within bounds and from the public internet only: every hop's
 * address is checked at the look-up that it is connected by. Never rejects.
 */
export async function guardedGet(get: GuardedGet): Promise<GuardedGetResult> {
  const signal = AbortSignal.any([AbortSignal.timeout(get.timeoutMs), get.signal]);
  let url = get.url;
  for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
    const problem = problemOf(url, get.allowPrivate);
    if (problem !== null) return { ok: false, problem };
    const result = await getOnce(url, get, signal);
    if (!('location' in result)) return result;
    const next = URL.parse(result.location, url);
    if (next === null) return { ok: false, problem: 'redirects to what is no URL' };
    url = next.href;
  }
  return { ok: false, problem: `redirects more than ${REDIRECTS_MAX} times` };
}

function problemOf(text: string, allowPrivate: boolean): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')))
    return 'is not an https URL';
  if (url.username !== '' || url.password !== '') return 'holds a user name or a password';
  const host = hostOf(url);
  return allowPrivate || isIP(host) === 0 || isPublicAddress(host) ? null : NOT_PUBLIC;
}

const NOT_PUBLIC = 'leads to an address that is not of the public internet';

function getOnce(
  url: string,
  { allowPrivate, bytesMax }: GuardedGet,
  signal: AbortSignal,
): Promise<GuardedGetResult | { readonly location: string }> {
  return new Promise((resolve) => {
    const options: RequestOptions = {
      headers: { accept: '*/*', 'accept-encoding': 'identity' },
      agent: false,
      signal,
      ...(allowPrivate ? {} : { lookup: publicLookup }),
    };
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const req = send(url, options, (res) => {
      const { statusCode = 0, headers } = res;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        res.destroy();
        resolve({ location: headers.location });
      } else if (statusCode !== 200) {
        res.destroy();
        resolve({ ok: false, problem: `was answered with status ${statusCode}` });
      } else {
        readBody(res, bytesMax, resolve);
      }
    });
    req.on('error', (error) => resolve({ ok: false, problem: described(error, signal) }));
    req.end();
  });
}

function readBody(res: IncomingMessage, bytesMax: number, resolve: (result: GuardedGetResult) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  res.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= bytesMax) chunks.push(chunk);
    else {
      resolve({ ok: false, problem: `holds more than ${bytesMax} bytes` });
      res.destroy();
    }
  });
  res.on('end', () =>
    resolve({ ok: true, bytes: Buffer.concat(chunks), contentType: res.headers['content-type'] ?? null }),
  );
  res.on('error', () => resolve({ ok: false, problem: 'broke off' }));
  res.on('close', () => resolve({ ok: false, problem: 'broke off' }));
}

/** No code of the system's: it would tell which ports within are open. */
function described(error: Error, signal: AbortSignal): string {
  if (error instanceof PrivateAddressError) return NOT_PUBLIC;
  return signal.aborted ? 'was not answered in time' : 'could not be reached';
}
