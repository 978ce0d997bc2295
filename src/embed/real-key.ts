import { newId } from '../admin/new-id.ts';
import { parseBaseUrl } from '../config/base-url.ts';
import type { ParsedReal } from './key-input.ts';
import type { RealKeyRow } from './storage-port.ts';

const HINT_LENGTH = 4;

/** A new real key, as it is stored beside its secret. */
export function newRealRow(real: Exclude<ParsedReal, { readonly id: string }>, nowMs: number): RealKeyRow {
  const { secret, baseUrl, header = 'authorization', provider, prices = {} } = real;
  return {
    id: newId('real', nowMs),
    provider: provider ?? hostOf(baseUrl),
    baseUrl,
    header,
    prefix: real.prefix ?? (header === 'authorization' ? 'Bearer ' : ''),
    prices,
    hint: hintOf(secret),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function hostOf(baseUrl: string): string {
  const parsed = parseBaseUrl(baseUrl);
  return parsed.ok ? new URL(parsed.value.origin).host : baseUrl;
}

/** The end of a secret, for people. Of a short one nothing: four characters would be too much of it. */
export function hintOf(secret: string): string {
  return secret.length < HINT_LENGTH * 4 ? '' : secret.slice(-HINT_LENGTH);
}
