/**
 * JSON as signed texts are allowed to have it: what two readers could understand in two ways is
 * refused. No member twice (RFC 8259 §4 leaves open which one counts), whole safe numbers in one
 * spelling, no lone surrogates, no list in a list, few objects inside each other. Linear in the
 * length, and runs in any JavaScript runtime.
 */

/** Objects inside each other, the outermost counted. With lists between them that bounds the recursion. */
const OBJECTS_DEEP_MAX = 4;

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  /** `reason` completes "it is refused because …" and repeats nothing of the text but member names. */
  | { readonly ok: false; readonly reason: string };

/** Reads one document. */
export function parseStrictJson(text: string): StrictJson {
  const reader: Reader = { text, at: 0, reason: 'it is not JSON of whole numbers, texts, lists and objects' };
  const value = readValue(reader, 0, false);
  if (value === FAILED) return { ok: false, reason: reader.reason };
  skipSpace(reader);
  return reader.at === text.length ? { ok: true, value } : { ok: false, reason: 'something follows the JSON' };
}

interface Reader {
  readonly text: string;
  at: number;
  reason: string;
}

const FAILED = Symbol('failed');

const SPACE = /[ \t\n\r]*/y;
/** No fraction, no exponent, no -0, not more digits than a safe number has. */
const INTEGER = /(?:0|-?[1-9][0-9]{0,15})(?![0-9.eE])/y;
/** Plain: anything from the space on but the quote and the backslash. The alternatives exclude each other, so that nothing is ever tried twice. */
const TEXT = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const LITERAL = /true|false|null/y;

function readValue(reader: Reader, objectsOpen: number, inList: boolean): unknown {
  skipSpace(reader);
  switch (reader.text.charAt(reader.at)) {
    case '{':
      return objectsOpen < OBJECTS_DEEP_MAX
        ? readObject(reader, objectsOpen + 1)
        : fail(reader, 'it is nested too deep');
    case '[':
      return inList ? fail(reader, 'a list stands directly in a list') : readList(reader, objectsOpen);
    case '"':
      return readText(reader);
    case 't':
    case 'f':
    case 'n':
      return readScalar(reader, LITERAL);
    default:
      return readInteger(reader);
  }
}

function readObject(reader: Reader, objectsOpen: number): unknown {
  const members = new Map<string, unknown>();
  reader.at += 1;
  if (takes(reader, '}')) return {};
  do {
    skipSpace(reader);
    const name = readText(reader);
    if (typeof name !== 'string' || !takes(reader, ':')) return FAILED;
    if (members.has(name)) return fail(reader, `the member ${JSON.stringify(name.slice(0, 80))} stands there twice`);
    const value = readValue(reader, objectsOpen, false);
    if (value === FAILED) return FAILED;
    members.set(name, value);
  } while (takes(reader, ','));
  // Unlike assignment, this makes a member of a name such as __proto__, which is then refused as unknown.
  return takes(reader, '}') ? Object.fromEntries(members) : FAILED;
}

function readList(reader: Reader, objectsOpen: number): unknown {
  const entries: unknown[] = [];
  reader.at += 1;
  if (takes(reader, ']')) return entries;
  do {
    const value = readValue(reader, objectsOpen, true);
    if (value === FAILED) return FAILED;
    entries.push(value);
  } while (takes(reader, ','));
  return takes(reader, ']') ? entries : FAILED;
}

function readText(reader: Reader): unknown {
  const value = readScalar(reader, TEXT);
  const isSound = typeof value !== 'string' || value.isWellFormed();
  return isSound ? value : fail(reader, 'a text holds half of a surrogate pair');
}

function readInteger(reader: Reader): unknown {
  const value = readScalar(reader, INTEGER);
  return value === FAILED || Number.isSafeInteger(value) ? value : fail(reader, 'a number is not safe');
}

/** The value of what the pattern matches here; each pattern matches only what JSON.parse accepts. */
function readScalar(reader: Reader, pattern: RegExp): unknown {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found === undefined) return FAILED;
  reader.at += found.length;
  return JSON.parse(found) as unknown;
}

function takes(reader: Reader, mark: string): boolean {
  skipSpace(reader);
  if (reader.text.charAt(reader.at) !== mark) return false;
  reader.at += 1;
  return true;
}

function skipSpace(reader: Reader): void {
  SPACE.lastIndex = reader.at;
  reader.at += SPACE.exec(reader.text)?.[0].length ?? 0;
}

function fail(reader: Reader, reason: string): typeof FAILED {
  reader.reason = reason;
  return FAILED;
}
