/** From the flags of an operation to its query and body. */
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import type { Flag, Operation } from '../client/operation.ts';
import { argumentError, usageError } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/** A flag's value as it was given; several for flags that may be repeated. */
type Given = string | boolean | readonly (string | boolean)[] | undefined;

export interface ParsedArguments {
  readonly values: Readonly<Record<string, Given>>;
  readonly positionals: readonly string[];
}

/** Flags that every command of the API takes. */
const COMMON: ParseArgsOptionsConfig = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  'data-dir': { type: 'string' },
  workspace: { type: 'string' },
};

/** `command` is what is called, for the hint where its flags are told. */
export function parseArguments(args: readonly string[], flags: readonly Flag[], command: string): ParsedArguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries([COMMON, ...flags.map(optionsOf)].flatMap((options) => Object.entries(options))),
      allowPositionals: true,
      // `--no-mint` says false.
      allowNegative: true,
    });
    return { values, positionals };
  } catch (error) {
    throw argumentError(error, ` See: keyward ${command} --help`);
  }
}

/** The input of an operation; throws when something it requires is missing. */
export async function inputOf(operation: Operation, { values, positionals }: ParsedArguments, terminal: Terminal) {
  const { params: names, flags } = operation;
  if (positionals.length !== names.length) {
    const wanted = names.map((name) => `<${name}>`).join(' ');
    throw usageError(wanted === '' ? `Unexpected argument: ${positionals[0]}.` : `Exactly this is needed: ${wanted}.`);
  }
  const query: Record<string, unknown> = {};
  const body: Record<string, unknown> = {};
  for (const flag of flags) {
    const value = flag.secret ? await secretOf(flag, values, terminal) : valueOf(flag, values[flag.name]);
    if (value === undefined && flag.required) throw usageError(`${flagText(flag)} is needed.`);
    if (value !== undefined) put(flag.in === 'query' ? query : body, flag.path, value);
  }
  const params = Object.fromEntries(names.map((name, index) => [name, positionals[index] ?? '']));
  return { params, query, ...(operation.method === 'GET' ? {} : { body }) };
}

/** How a flag is written, for help and messages. */
export function flagText(flag: Flag): string {
  if (flag.secret) return `--${flag.name}-stdin or --${flag.name}-env NAME`;
  if (flag.type === 'boolean') return `--${flag.name}, --no-${flag.name}`;
  return `--${flag.name} ${flag.values?.join('|') ?? (flag.type === 'strings' ? 'a,b,…' : flag.type)}`;
}

function optionsOf(flag: Flag): ParseArgsOptionsConfig {
  if (flag.secret) return { [`${flag.name}-stdin`]: { type: 'boolean' }, [`${flag.name}-env`]: { type: 'string' } };
  if (flag.type === 'boolean') return { [flag.name]: { type: 'boolean' } };
  return { [flag.name]: { type: 'string', multiple: flag.type === 'strings' } };
}

function valueOf(flag: Flag, given: Given): unknown {
  if (given === undefined || typeof given === 'boolean') return given;
  const texts = typeof given === 'string' ? [given] : given.map(String);
  if (flag.nullable && texts.length === 1 && texts[0] === 'none') return null;
  switch (flag.type) {
    case 'strings':
      // A list that may hold more than texts is written as the API takes it.
      if (texts.length === 1 && texts[0]?.startsWith('[') === true) return json(flag, texts[0]);
      return texts
        .flatMap((text) => text.split(','))
        .map((text) => text.trim())
        .filter((text) => text !== '');
    case 'integer':
      return wholeNumber(flag, texts[0] ?? '');
    case 'number':
      return decimal(flag, texts[0] ?? '');
    case 'json':
      return json(flag, texts[0] ?? '');
    default:
      return texts[0];
  }
}

function wholeNumber(flag: Flag, text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw usageError(`--${flag.name} must be a whole number, not ${text}.`);
  return Number(text);
}

function decimal(flag: Flag, text: string): number {
  if (!/^-?\d{1,12}(?:\.\d{1,12})?$/.test(text)) throw usageError(`--${flag.name} must be a number, not ${text}.`);
  return Number(text);
}

/** What has inner parts, such as a list of budgets, is written as the API takes it. */
function json(flag: Flag, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usageError(`--${flag.name} must be JSON, as the API takes it.`);
  }
}

/** Arguments are visible to every user of the machine: a secret comes by stdin or by an environment variable. */
async function secretOf(
  flag: Flag,
  values: ParsedArguments['values'],
  terminal: Terminal,
): Promise<string | undefined> {
  if (values[`${flag.name}-stdin`] === true) return (await terminal.readInput()).replace(/\r?\n$/, '');
  const variable = values[`${flag.name}-env`];
  if (typeof variable !== 'string') return undefined;
  const value = terminal.env[variable];
  if (value === undefined || value === '') throw usageError(`The environment variable ${variable} is not set.`);
  return value;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = target[name];
  const record: Record<string, unknown> = typeof inner === 'object' && inner !== null ? { ...inner } : {};
  put(record, rest, value);
  target[name] = record;
}
