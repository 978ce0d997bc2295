import type { JsonDocument } from '../lib/json-scan.ts';
import { scanJson } from '../lib/json-scan.ts';

/** Answers are the provider's: their depth and size are bounded by it and by the gateway. */
const ANSWER_SCAN = { depthMax: 256, entriesMax: 1024 } as const;
/** Counts and their details; nothing larger is a usage object. */
const MEMBER_BYTES_MAX = 64 * 1024;

/**
 * The value of one small member of the outermost object of an answer, parsed; undefined without
 * one. The rest of the answer (100 KB of numbers, say) is not parsed, and mostly not even read.
 */
export function readAnswerMember(bytes: Uint8Array, name: string): unknown {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readFromTail(body, name) ?? readFromDocument(body, name);
}

/**
 * Usage mostly stands at the end. Where the name's last occurrence is a member of the outermost
 * object, what follows it, put behind an opening brace, is itself an object; deeper down, there
 * are too many closing braces.
 */
function readFromTail(body: Buffer, name: string): unknown {
  const quoted = JSON.stringify(name);
  const at = body.lastIndexOf(quoted);
  // Behind a backslash it is text inside a string.
  if (at <= 0 || body[at - 1] === 0x5c || body.length - at > MEMBER_BYTES_MAX) return undefined;
  return memberOf(Buffer.concat([Buffer.from('{'), body.subarray(at)]), name);
}

function readFromDocument(body: Buffer, name: string): unknown {
  return body.includes(JSON.stringify(name)) ? memberOf(body, name) : undefined;
}

function memberOf(body: Buffer, name: string): unknown {
  const scan = scanJson(body, ANSWER_SCAN);
  return scan.ok ? parseMember(body, scan.document, name) : undefined;
}

function parseMember(body: Buffer, document: JsonDocument, name: string): unknown {
  const span = document.find(name);
  if (span === undefined || span === 'duplicate' || span.to - span.from > MEMBER_BYTES_MAX) return undefined;
  return JSON.parse(body.toString('utf8', span.from, span.to));
}
