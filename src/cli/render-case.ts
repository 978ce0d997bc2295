import type { OperationOutput } from '../client/client.ts';
import { aligned, printable } from './style.ts';
import type { Style } from './style.ts';
import type { Shown } from './views.ts';

type Case = OperationOutput<'cases.get'>;
type Step = Case['steps'][number];

const MARKS = { done: 'pass', failed: 'fail', skipped: 'skipped', pending: 'note' } as const;

/** `keyward cases show` and its steps: each step a line, with what is worth knowing of what it found. */
export function renderCase(told: Case & { readonly key?: string }, style: Style): Shown {
  const { id, kid, newKid, state, next, steps, closedReason, key } = told;
  const facts = aligned([
    ['key', newKid === null ? kid : `${kid}, replaced by ${newKid}`],
    ['state', closedReason === null ? state : `${state}: ${closedReason}`],
    ['next', next === null ? '-' : `keyward cases ${next} ${id}`],
  ]);
  const text = [`${style.strong(`Case ${id}`)}\n${facts}`, stepsText(steps, style), issuedText(key)];
  return { text: `${text.filter((part) => part !== '').join('\n\n')}\n` };
}

function stepsText(steps: readonly Step[], style: Style): string {
  const width = Math.max(...steps.map(({ name }) => name.length));
  return steps
    .map(({ name, state, at, actor, evidence }) => {
      const when = at === null ? '' : `  ${at} ${printable(actor ?? '')}`;
      const details =
        evidence === null ? [] : Object.entries(evidence).flatMap(([field, value]) => detailText(field, value));
      const lines = details.map((line) => `\n    ${' '.repeat(width)}${printable(line)}`);
      return `  ${style.mark(MARKS[state])} ${name.padEnd(width)}  ${state}${when}${lines.join('')}`;
    })
    .join('\n');
}

/** The plain values of what a step found; lists by what they hold. */
function detailText(field: string, value: unknown): readonly string[] {
  if (isPlain(value)) return value === '' ? [] : [`${field}: ${value}`];
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown) => `${field}: ${entryText(entry)}`).slice(0, 12);
}

function entryText(entry: unknown): string {
  if (isPlain(entry)) return String(entry);
  return typeof entry === 'object' && entry !== null ? Object.values(entry).filter(isPlain).join(' ') : '-';
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function issuedText(key: string | undefined): string {
  return key === undefined ? '' : `The key, shown this once; store it now:\n\n  ${key}`;
}
