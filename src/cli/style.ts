import type { Terminal } from './terminal.ts';

type Mark = 'pass' | 'fail' | 'skipped' | 'note';

/** Marks and emphasis; colours only where a person looks on. */
export interface Style {
  mark(outcome: Mark): string;
  strong(text: string): string;
}

const SIGNS: Readonly<Record<Mark, string>> = { pass: '✓', fail: '✗', skipped: '–', note: '·' };
const COLORS: Readonly<Record<Mark, number>> = { pass: 32, fail: 31, skipped: 90, note: 33 };

export function styleOf({ color }: Terminal): Style {
  const paint = (code: number, text: string): string => (color === true ? `\u{1b}[${code}m${text}\u{1b}[0m` : text);
  return {
    mark: (outcome) => paint(COLORS[outcome], SIGNS[outcome]),
    strong: (text) => paint(1, text),
  };
}

/** Callers choose some of what is shown: it must not steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Cf}/gu, '\u{fffd}');
}

/** Lines of two columns, the first as wide as its widest entry. */
export function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${printable(right)}`.trimEnd()).join('\n');
}
