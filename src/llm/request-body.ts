import { ERRORS } from '../errors.ts';
import type { JsonDocument } from '../lib/json-scan.ts';
import { scanJson } from '../lib/json-scan.ts';
import type { ReadRequestResult, Span } from './dialect.ts';

/** A member that must be a whole number within bounds, null, or absent. */
export interface WholeNumber {
  readonly name: string;
  readonly min: number;
  readonly max?: number;
}

/** What a body must have, and which of its members decide. */
export interface BodyRules {
  readonly model: 'required' | 'optional';
  /** Whether a member `stream` counts. */
  readonly stream: boolean;
  readonly wholeNumbers: readonly WholeNumber[];
  /** Other members that decide something and so must not stand there twice. */
  readonly single: readonly string[];
}

export type BodyFailure = Exclude<ReadRequestResult, { readonly ok: true }>;

export interface RequestBody {
  readonly ok: true;
  readonly document: JsonDocument;
  readonly model: { readonly name: string; readonly span: Span } | null;
  readonly stream: boolean;
  /** Those of the members that must be whole numbers which are there. */
  readonly numbers: ReadonlyMap<string, number>;
}

const NO_NUMBERS: ReadonlyMap<string, number> = new Map();
const MODEL_LENGTH_MAX = 256;
/** Room for a model name of which every character is an escape such as \u006d. */
const MEMBER_BYTES_MAX = MODEL_LENGTH_MAX * 6 + 2;

/** Checks a body against the rules. Two programs that read duplicates differently are a hole: refused where they decide. */
export function readRequestBody(body: Buffer, rules: BodyRules): RequestBody | BodyFailure {
  const scan = scanJson(body);
  if (!scan.ok) {
    const message = `The body is not valid JSON: ${scan.message}. Correct it and send it again.`;
    return { ok: false, code: 'invalid_json', message };
  }
  const { document } = scan;
  if (document.kind !== '{') return invalid('The body must be a JSON object.');
  const model = readModel(body, document, rules.model);
  if (model !== null && 'ok' in model) return model;
  const stream = rules.stream ? readStream(body, document) : false;
  if (typeof stream !== 'boolean') return about(model, stream);
  const numbers = readNumbers(body, document, rules.wholeNumbers);
  if ('ok' in numbers) return about(model, numbers);
  for (const name of rules.single) if (document.find(name) === 'duplicate') return about(model, twice(name));
  return { ok: true, document, model, stream, numbers };
}

/** The failure of a body that names its model. */
function about(model: RequestBody['model'], failure: BodyFailure): BodyFailure {
  return model === null ? failure : { ...failure, model: model.name };
}

function readStream(body: Buffer, document: JsonDocument): boolean | BodyFailure {
  const value = readMember(body, document, 'stream');
  if (value === TWICE) return twice('stream');
  if (value !== undefined && value !== null && typeof value !== 'boolean')
    return invalid('"stream" must be true or false.', 'stream');
  return value === true;
}

/** Members of an object that must be whole numbers, null or absent: the ones that are there. */
export function readNumbers(
  body: Buffer,
  document: JsonDocument,
  rules: readonly WholeNumber[],
  path = '',
): ReadonlyMap<string, number> | BodyFailure {
  let numbers: Map<string, number> | null = null;
  for (const { name, min, max = Number.MAX_SAFE_INTEGER } of rules) {
    const value = readMember(body, document, name);
    if (value === TWICE) return twice(name);
    if (value === undefined || value === null) continue;
    const field = path + name;
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      return invalid(`"${field}" must be a whole number.`, field);
    if (value < min || value > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
      return invalid(`"${field}" must be ${range}.`, field);
    }
    numbers ??= new Map();
    numbers.set(name, value);
  }
  return numbers ?? NO_NUMBERS;
}

const TWICE = Symbol('duplicate');

/** A scalar: containers (nothing recursive runs on a stranger's input) and what is too long count as `{}`. */
function readMember(body: Buffer, document: JsonDocument, name: string): unknown {
  const span = document.find(name);
  if (span === undefined) return undefined;
  if (span === 'duplicate') return TWICE;
  const first = body[span.from];
  if (first === 0x7b || first === 0x5b || span.to - span.from > MEMBER_BYTES_MAX) return {};
  // The scan has proven the grammar, so the first byte tells a literal.
  if (first === 0x74) return true;
  if (first === 0x66) return false;
  if (first === 0x6e) return null;
  return JSON.parse(body.toString('utf8', span.from, span.to));
}

function readModel(body: Buffer, document: JsonDocument, need: BodyRules['model']): RequestBody['model'] | BodyFailure {
  const span = document.find('model');
  if (span === 'duplicate') return twice('model');
  if (span === undefined) {
    return need === 'required' ? { ok: false, code: 'model_missing', message: ERRORS.model_missing.title } : null;
  }
  if (span.to - span.from > MEMBER_BYTES_MAX) return invalid('"model" is too long, or not a string.', 'model');
  const name = readMember(body, document, 'model');
  if (typeof name !== 'string')
    return invalid('"model" must be a string: name one, for example "sandbox/echo".', 'model');
  const reason = refuseModelName(name);
  return reason === null ? { name, span } : invalid(reason, 'model');
}

/** What is wrong with a model's name, as a sentence; null: nothing. */
export function refuseModelName(name: string): string | null {
  if (name === '') return '"model" is empty: name one, for example "sandbox/echo".';
  if (name.length > MODEL_LENGTH_MAX) return '"model" is too long.';
  // Model names travel in headers and logs.
  return !isPlain(name) && /[\p{Cc}\p{Cs}]/u.test(name) ? '"model" holds a control character.' : null;
}

/** Visible ASCII, as nearly every name is: no need for the slower look. */
function isPlain(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/** A refusal that names what is wrong with the form of the body. */
export function invalid(message: string, field?: string): BodyFailure {
  return { ok: false, code: 'invalid_body', message, ...(field !== undefined && { field }) };
}

/** The refusal of a member that stands in the body twice. */
export function twice(name: string): BodyFailure {
  return invalid(`"${name}" stands in the body twice (upper and lower case count as the same): send it once.`, name);
}
