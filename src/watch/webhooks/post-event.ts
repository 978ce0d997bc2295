import { request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { publicLookup } from '../../lib/public-address.ts';
import { urlProblem } from './address-guard.ts';

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether addresses of one's own networks, and plain HTTP, are allowed. */
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What became of a post: an answer of any status, or why there is none. Neither holds a word of the receiver's. */
export type PostResult = { readonly status: number } | { readonly error: string };

/** Posts once. Redirects are not followed: they could lead anywhere. Never rejects. */
export function postEvent(post: Post): Promise<PostResult> {
  const problem = urlProblem(post.url, post.allowPrivate);
  if (problem !== null) return Promise.resolve({ error: `the URL ${problem}` });
  return new Promise((resolve) => {
    const signal = AbortSignal.any([AbortSignal.timeout(post.timeoutMs), post.signal]);
    const options: RequestOptions = {
      method: 'POST',
      headers: { ...post.headers, 'content-length': Buffer.byteLength(post.body) },
      agent: false,
      signal,
      ...(post.allowPrivate ? {} : { lookup: publicLookup }),
    };
    const answered = (res: IncomingMessage) => {
      const { statusCode = 0 } = res;
      // The answer's body is of no interest, and may be endless.
      res.destroy();
      resolve({ status: statusCode });
    };
    const send = post.url.startsWith('https:') ? httpsRequest : httpRequest;
    const req = send(post.url, options, answered);
    req.on('error', (error) => resolve({ error: signal.aborted ? 'no answer in time' : describe(error) }));
    req.end(post.body);
  });
}

/** A system's code where there is one: messages may quote what was sent. */
function describe(error: Error): string {
  if (error.name === 'PrivateAddressError') return error.message;
  return 'code' in error && typeof error.code === 'string' ? error.code : 'the connection failed';
}
