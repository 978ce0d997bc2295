/**
 * One strict pass over a form as bytes (multipart/form-data, RFC 7578): where its fields stand. What
 * two programs could read differently is refused, so that a field that decides here is the one that
 * decides further on. Linear in the length; nothing of a field's content is copied.
 */

/** A field; bytes `from` (inclusive) to `to` (exclusive) of the body are its content. */
export interface FormField {
  readonly name: string;
  /** Whether it came with the name of a file. */
  readonly isFile: boolean;
  readonly from: number;
  readonly to: number;
}

export interface FormDocument {
  readonly fields: readonly FormField[];
  /**
   * The field of a name. Names that differ only in case, in blanks around them or in brackets
   * behind them are duplicates too: some programs take one for the other.
   */
  find(name: string): FormField | 'duplicate' | undefined;
}

/** `message` is half a sentence, to follow "The body is not a valid form: ". */
export type FormResult =
  | { readonly ok: true; readonly form: FormDocument }
  | { readonly ok: false; readonly message: string };

const FIELDS_MAX = 1000;
const HEADER_BYTES_MAX = 8192;
const TYPE_LENGTH_MAX = 256;
const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');
const DASHES = Buffer.from('--');

/** Whether a content type says that the body is a form with parts. */
export function isFormType(contentType: string): boolean {
  return /^multipart\/form-data\s*(?:;|$)/i.test(contentType);
}

/** Reads a form; `contentType` is the header's value, which names the boundary. */
export function readForm(body: Buffer, contentType: string): FormResult {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return failure('its Content-Type must have one "boundary" of 1 to 70 plain characters');
  const delimiter = Buffer.from(`--${boundary}`);
  const fields: FormField[] = [];
  // Some clients begin with an empty line; any other text in front is read differently by different programs.
  let at = isAt(body, CRLF, 0) ? 2 : 0;
  if (!isAt(body, delimiter, at)) return failure('it does not begin with the boundary that its Content-Type names');
  for (;;) {
    const after = at + delimiter.length;
    if (isAt(body, DASHES, after)) return closed(body, after + 2, fields);
    if (!isAt(body, CRLF, after)) return failure(`the boundary at byte ${at} is followed by something else`);
    if (fields.length === FIELDS_MAX) return failure(`it has more than ${FIELDS_MAX} fields`);
    const next = body.indexOf(delimiter, after + 2);
    if (next === -1) return failure('it ends before its closing boundary');
    // Also one inside of a file: a program that takes line feeds alone for ends of lines would see fields in it.
    if (next < after + 4 || !isAt(body, CRLF, next - 2))
      return failure(`the boundary stands within a line, at byte ${next}`);
    const field = readPart(body, after + 2, next - 2);
    if (typeof field === 'string') return failure(`${field}, in the part at byte ${at}`);
    fields.push(field);
    at = next;
  }
}

function closed(body: Buffer, end: number, fields: readonly FormField[]): FormResult {
  const isOver = body.length === end || (body.length === end + 2 && isAt(body, CRLF, end));
  if (!isOver) return failure('something stands behind its closing boundary');
  return { ok: true, form: { fields, find: (name) => find(fields, name) } };
}

function find(fields: readonly FormField[], name: string): FormField | 'duplicate' | undefined {
  const alike = fields.filter((field) => plainName(field.name) === name);
  if (alike.length > 1) return 'duplicate';
  return alike[0]?.name === name ? alike[0] : undefined;
}

function plainName(name: string): string {
  const bracket = name.indexOf('[');
  return (bracket === -1 ? name : name.slice(0, bracket)).trim().toLowerCase();
}

/** RFC 2046 §5.1.1, without the blank, which would need quotes that not every program takes off. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=?-]{1,70}$/;
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** Quoted text ends at the same quote whether or not a backslash escapes what follows it. */
const QUOTED = String.raw`"(?:[^"\\]|\\[^"])*"`;
const PARAMETER = new RegExp(String.raw`;[ \t]*(${TOKEN})=(${TOKEN}|${QUOTED})[ \t]*`, 'y');

/** Boundaries with characters such as a colon are often sent without the quotes that the grammar wants. */
const BARE_BOUNDARY = /^(.*;[ \t]*boundary=)([0-9A-Za-z'()+_,./:=?-]+)([ \t]*(?:;.*)?)$/i;

function boundaryOf(contentType: string): string | null {
  if (contentType.length > TYPE_LENGTH_MAX) return null;
  const quoted = contentType.replace(BARE_BOUNDARY, '$1"$2"$3');
  const parameters = parametersOf(quoted, 'multipart/form-data');
  const boundary = parameters?.get('boundary');
  if (parameters === null || boundary === undefined || !BOUNDARY.test(boundary)) return null;
  const charset = parameters.get('charset')?.toLowerCase() ?? 'utf-8';
  return charset === 'utf-8' && [...parameters.keys()].every((name) => name === 'boundary' || name === 'charset')
    ? boundary
    : null;
}

/** The parameters behind a first word, by lower-case name; null where they are not plain, or one stands twice. */
function parametersOf(text: string, word: string): ReadonlyMap<string, string> | null {
  if (text.slice(0, word.length).toLowerCase() !== word) return null;
  const parameters = new Map<string, string>();
  let at = word.length;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  while (at < text.length) {
    PARAMETER.lastIndex = at;
    const [whole, name, value] = PARAMETER.exec(text) ?? [];
    if (whole === undefined || name === undefined || value === undefined) return null;
    const key = name.toLowerCase();
    if (parameters.has(key)) return null;
    parameters.set(key, value.startsWith('"') ? value.slice(1, -1) : value);
    at += whole.length;
  }
  return parameters;
}

/** The field of a part, or what is wrong with it. */
function readPart(body: Buffer, from: number, to: number): FormField | string {
  const head = body.subarray(from, Math.min(to, from + HEADER_BYTES_MAX));
  const end = head.indexOf(BLANK_LINE);
  if (end === -1) return 'there are no header lines that end with an empty line';
  const lines = head.toString('latin1', 0, end).split('\r\n');
  const disposition = dispositionOf(lines);
  if (disposition === null) return 'there must be one plain "Content-Disposition: form-data" with a name';
  const { name, isFile } = disposition;
  return { name, isFile, from: from + end + BLANK_LINE.length, to };
}

const LINE = new RegExp(String.raw`^(${TOKEN}):([^\x00-\x08\x0a-\x1f\x7f]*)$`);
/** RFC 7578 §4.7: deprecated; a field that one program decodes and another does not has two values. */
const PLAIN_ENCODINGS: readonly string[] = ['binary', '8bit', '7bit'];

function dispositionOf(lines: readonly string[]): Pick<FormField, 'name' | 'isFile'> | null {
  let disposition: string | null = null;
  for (const line of lines) {
    const [, header, padded] = LINE.exec(line) ?? [];
    if (header === undefined || padded === undefined) return null;
    const name = header.toLowerCase();
    const value = padded.trim();
    if (name === 'content-transfer-encoding' && !PLAIN_ENCODINGS.includes(value.toLowerCase())) return null;
    if (name !== 'content-disposition') continue;
    if (disposition !== null) return null;
    disposition = value;
  }
  const parameters = disposition === null ? null : parametersOf(disposition, 'form-data');
  const name = parameters?.get('name');
  // `name*` (RFC 5987) is not for forms: one program would read it, another would not.
  if (parameters === null || name === undefined || name.includes('\\') || parameters.has('name*')) return null;
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') };
}

function isAt(body: Buffer, text: Buffer, at: number): boolean {
  return at + text.length <= body.length && body.compare(text, 0, text.length, at, at + text.length) === 0;
}

function failure(message: string): FormResult {
  return { ok: false, message };
}
