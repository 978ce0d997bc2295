/** Answers of the API as text for people. */
import type { Operation } from '../client/operation.ts';
import { printable } from './style.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The text of an answer, with a line end. */
export function renderAnswer(operation: Operation, answer: unknown): string {
  const fields = asFields(answer);
  const columns = operation.cli?.columns ?? null;
  if (columns !== null && Array.isArray(fields['items'])) {
    return renderList(columns, fields['items'].map(asFields), fields['next']);
  }
  if (typeof fields['key'] === 'string') return renderIssued(fields, 'key');
  if (typeof fields['token'] === 'string') return renderIssued(fields, 'token');
  if ('impact' in fields) return renderImpact(fields);
  if ('receipt' in fields) return renderStateChange(fields);
  return renderFields(fields);
}

function renderList(columns: readonly string[], items: readonly Fields[], next: unknown): string {
  if (items.length === 0) return 'None.\n';
  const table = renderTable([columns, ...items.map((item) => columns.map((column) => cellText(item[column])))]);
  return typeof next === 'string' ? `${table}\nMore with: --cursor ${next}\n` : table;
}

function renderIssued({ receipt: _receipt, ...fields }: Fields, name: 'key' | 'token'): string {
  const rest = Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
  return `${renderFields(rest)}\nThe ${name}, shown this once; store it now:\n\n  ${cellText(fields[name])}\n`;
}

function renderStateChange({ receipt, ...rest }: Fields): string {
  const { complete, workers, version } = asFields(receipt);
  const sentence =
    complete === true
      ? `In force on all ${cellText(workers)} workers (version ${cellText(version)}).`
      : 'Stored, but not known to be in force on every worker yet. See: keyward status';
  return `${renderFields(rest)}\n${sentence}\n`;
}

const IMPACT_COLUMNS = ['kid', 'name', 'applicationId', 'ownerId', 'state', 'effect', 'code'];

const CHANGED_COLUMNS = ['kid', 'name', 'applicationId', 'ownerId', 'state'];

/** What a change does to keys: counts and the list of them; of many that were changed themselves, these first. */
function renderImpact({ impact, receipt, keys: changed, next: nextChanged, ...rest }: Fields): string {
  const { keys, next, preview, ...counts } = asFields(impact);
  const facts =
    preview === true || receipt === undefined ? renderFields(rest) : renderStateChange({ ...rest, receipt });
  const all = Array.isArray(changed) && changed.length > 0 ? changed.map(asFields) : null;
  const made = all === null ? '' : `\n${renderList(CHANGED_COLUMNS, all, nextChanged)}`;
  const affected = Array.isArray(keys) ? keys.map(asFields) : [];
  const list = affected.length === 0 ? '' : `\n${renderList(IMPACT_COLUMNS, affected, next)}`;
  const sentence = preview === true ? 'A preview: nothing was changed.\n' : '';
  return `${facts}${made}\n${renderFields(counts)}${list}${sentence}`;
}

function renderFields(fields: Fields): string {
  return renderTable(flatten(fields, ''));
}

function flatten(fields: Fields, prefix: string): readonly (readonly string[])[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? flatten(asFields(value), `${prefix}${name}.`) : [[`${prefix}${name}`, cellText(value)]];
  });
}

/** Rows whose columns are as wide as their widest cell. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function cellText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(itemText).join(', ');
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

function itemText(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.values(value).map(cellText).join(' ') : cellText(value);
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
