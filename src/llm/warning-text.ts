import type { Warning } from './report.ts';

const LENGTH_MAX = 1024;

/** Warnings as the value of one header: `dropped seed (…), approximated temperature (…)`, visible ASCII only. */
export function warningText(warnings: readonly Warning[]): string {
  const text = warnings.map(({ kind, field, reason }) => `${kind} ${field} (${reason})`).join(', ');
  const clean = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return clean.length > LENGTH_MAX ? `${clean.slice(0, LENGTH_MAX - 3)}...` : clean;
}
