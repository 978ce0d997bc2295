import { createHmac } from 'node:crypto';

/** The header that proves who sent a payload and when. */
export const SIGNATURE_HEADER = 'keyward-signature';

/**
 * `t=<unix seconds>,v1=<hex>`: HMAC-SHA-256 under the webhook's secret over `<t>.<body>`. A receiver
 * recomputes it over the bytes it got and refuses what is older than five minutes.
 */
export function signPayload(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}
