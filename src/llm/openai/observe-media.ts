import { answerMember } from '../answer-member.ts';
import type { StreamObserver, Usage } from '../dialect.ts';
import { Tail } from '../tail.ts';

const usageMember = answerMember('usage');

const LF = 0x0a;
const DATA = Buffer.from('data:');
/** Of a line that is not kept whole; the type of an event stands first in all that vendors send. */
const HEAD_BYTES_MAX = 512;
const TAIL_BYTES_MAX = 64 * 1024;

/** What ends a stream: one of these events, or the `[DONE]` that some vendors send after them. */
const ENDS =
  /^(?:data:\s*\[DONE\]|event:\s*(?:speech\.audio|transcript\.text)\.done\b|event:\s*image_(?:generation|edit)\.completed\b|data:.*"type"\s*:\s*"(?:speech\.audio\.done|transcript\.text\.done|image_(?:generation|edit)\.completed)")/s;

/**
 * Watches the events of images, speech and transcripts. One event may hold a whole image, megabytes
 * on a line: only the line's beginning, which says what it is, and its end, where usage stands, are kept.
 */
export function observeMedia(readUsage: (value: unknown) => Usage | null): StreamObserver {
  let usage: Usage | null = null;
  let complete = false;
  let head: Buffer[] = [];
  let headBytes = 0;
  let lineBytes = 0;
  const tail = new Tail(TAIL_BYTES_MAX);

  function add(piece: Buffer): void {
    if (headBytes < HEAD_BYTES_MAX) {
      const first = piece.subarray(0, HEAD_BYTES_MAX - headBytes);
      head.push(first);
      headBytes += first.length;
    }
    tail.push(piece);
    lineBytes += piece.length;
  }

  function endLine(): void {
    const end = tail.bytes();
    const line = lineBytes > end.length ? Buffer.concat(head) : end;
    if (ENDS.test(line.toString('latin1'))) complete = true;
    usage = readUsage(usageMember.read(startsWithData(end) ? end.subarray(DATA.length) : end)) ?? usage;
    head = [];
    headBytes = 0;
    lineBytes = 0;
    tail.clear();
  }

  return {
    push: (bytes) => {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let from = 0;
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
        add(chunk.subarray(from, end));
        endLine();
        from = end + 1;
      }
      add(chunk.subarray(from));
      return bytes;
    },
    flush: () => {
      endLine();
      return null;
    },
    usage: () => usage,
    complete: () => complete,
    ending: () => (complete ? 'end' : 'none'),
  };
}

function startsWithData(line: Buffer): boolean {
  return line.subarray(0, DATA.length).equals(DATA);
}
