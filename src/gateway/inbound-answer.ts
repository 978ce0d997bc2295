import { STATUS_CODES } from 'node:http';
import { TOKEN, UNCLEAN_VALUE } from '../lib/http1-syntax.ts';

/**
 * The head of an answer up to its framing: status line, date and the given headers, each line with
 * its CRLF. Throws when a part could end a line: the caller of the server guarantees that none can.
 * `connection: close` among the headers is left out, see {@link wantsClose}.
 */
export function answerHead(status: number, headers: readonly string[], dateLine: string): string {
  let head = (statusLines[status] ?? newStatusLine(status)) + dateLine;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1];
    if (value === undefined || UNCLEAN_VALUE.test(value))
      throw new Error(`the value of the answer's ${name} is not clean`);
    if (cleanNames.has(name) || checkName(name, value)) head += name + ': ' + value + '\r\n';
  }
  return head;
}

/** Whether the headers of an answer ask for the connection's end. */
export function wantsClose(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'connection') return true;
  }
  return false;
}

/** RFC 9110 §6.4.1: answers that end with their head, whatever it says. */
export function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** RFC 9110 §6.6.1. */
export function dateLine(nowMs: number): string {
  return `date: ${new Date(nowMs).toUTCString()}\r\n`;
}

/** A chunk of up to this size is cheaper copied beside its size line than written as a buffer of its own. */
const COPIED_CHUNK_BYTES_MAX = 16 * 1024;
const CRLF = Buffer.from('\r\n', 'latin1');

/** Where the bytes go. */
interface AnswerWriter {
  write(bytes: Uint8Array | string, encoding?: 'latin1'): boolean;
}

/** One chunk of a chunked body (RFC 9112 §7.1), behind the head when that has not left yet; returns what the writer says. */
export function writeChunk(writer: AnswerWriter, head: string, data: Uint8Array): boolean {
  const before = head + data.length.toString(16) + '\r\n';
  if (data.length > COPIED_CHUNK_BYTES_MAX) {
    writer.write(before, 'latin1');
    writer.write(data);
    return writer.write(CRLF);
  }
  const bytes = Buffer.allocUnsafe(before.length + data.length + 2);
  bytes.write(before, 0, 'latin1');
  bytes.set(data, before.length);
  bytes[bytes.length - 2] = 13;
  bytes[bytes.length - 1] = 10;
  return writer.write(bytes);
}

const statusLines: string[] = [];

function newStatusLine(status: number): string {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new Error(`${status} is no status of an answer`);
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  statusLines[status] = line;
  return line;
}

/** The server's business: said twice, they would change where the answer ends. */
const RESERVED_NAMES = new Set(['content-length', 'transfer-encoding', 'date', 'keep-alive', 'trailer', 'upgrade']);
const NAMES_KNOWN_MAX = 512;
const cleanNames = new Set<string>();

/** Whether the header is to be written. */
function checkName(name: string, value: string): boolean {
  if (name === 'connection' && value === 'close') return false;
  const lower = name.toLowerCase();
  if (!TOKEN.test(name) || lower === 'connection' || RESERVED_NAMES.has(lower)) {
    throw new Error(`${JSON.stringify(name)} is no header that an answer may be given`);
  }
  if (cleanNames.size < NAMES_KNOWN_MAX) cleanNames.add(name);
  return true;
}
