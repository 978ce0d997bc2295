import { scanJson, scanMembers } from '../lib/json-scan.ts';
import type { JsonScanResult } from '../lib/json-scan.ts';

/** Answers are the provider's: their depth and size are bounded by it and by the gateway. */
const ANSWER_SCAN = { depthMax: 256, entriesMax: 1024 } as const;
/** Counts and their details; nothing larger is a usage object. */
const MEMBER_BYTES_MAX = 64 * 1024;
/** How far from the end the name is looked for byte by byte; further off, native search is cheaper. */
const NEAR_END_BYTES = 512;
const BACKSLASH = 0x5c;

/** Reads one small member of the outermost object of an answer. */
export interface AnswerMember {
  /**
   * Its value, parsed; undefined without one. The rest of the answer (100 KB of numbers, say) is
   * not parsed, and mostly not even read.
   */
  read(bytes: Uint8Array): unknown;
}

/** A reader of the member with this name, which must be plain ASCII. */
export function answerMember(name: string): AnswerMember {
  const quoted = Buffer.from(JSON.stringify(name));
  return {
    read(bytes) {
      const body = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const at = lastIndexOf(body, quoted);
      if (at < 0) return undefined;
      return readFromTail(body, at, name) ?? valueOf(body, scanJson(body, ANSWER_SCAN), name);
    },
  };
}

/**
 * Usage mostly stands at the end. Where the name's last occurrence is a member of the outermost
 * object, what follows it, put behind an opening brace, is itself an object; deeper down, there
 * are too many closing braces.
 */
function readFromTail(body: Buffer, at: number, name: string): unknown {
  // Behind a backslash it is text inside a string.
  if (at === 0 || body[at - 1] === BACKSLASH || body.length - at > MEMBER_BYTES_MAX) return undefined;
  return valueOf(body, scanMembers(body, at, ANSWER_SCAN), name);
}

function valueOf(body: Buffer, scan: JsonScanResult, name: string): unknown {
  if (!scan.ok) return undefined;
  const span = scan.document.find(name);
  if (span === undefined || span === 'duplicate' || span.to - span.from > MEMBER_BYTES_MAX) return undefined;
  return JSON.parse(body.toString('utf8', span.from, span.to));
}

function lastIndexOf(body: Buffer, text: Buffer): number {
  const last = body.length - text.length;
  const near = Math.max(0, last - NEAR_END_BYTES);
  for (let at = last; at >= near; at--) {
    if (body[at] === text[0] && startsWith(body, text, at)) return at;
  }
  return near === 0 ? -1 : body.lastIndexOf(text, near - 1);
}

function startsWith(body: Buffer, text: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (body[from + i] !== text[i]) return false;
  return true;
}
