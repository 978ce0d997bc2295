/** Pieces of the sentences of a trace. */
import type { KeyRecord } from '../key-record.ts';

/** What the credential is called. */
export function nounOf({ type }: KeyRecord): 'admin token' | 'key' {
  return type === 'kwa' ? 'admin token' : 'key';
}

const NAMES_MAX = 20;

/** A list of names, cut. */
export function nameList(list: readonly string[] | null): string {
  if (list === null) return 'not narrowed';
  if (list.length === 0) return 'nothing';
  const more = list.length > NAMES_MAX ? ` and ${list.length - NAMES_MAX} more` : '';
  return `${list.slice(0, NAMES_MAX).map(quote).join(', ')}${more}`;
}

/** Text of the caller's, cut and escaped. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}

export function formatTime(atMs: number | null, otherwise: string): string {
  if (atMs === null) return otherwise;
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? 'a time that cannot be read' : date.toISOString();
}
