import type { AnswerStep, InProcessAnswer } from '../in-process.ts';
import type { Behaviour } from './behaviour.ts';

/** How many events of a stream that is to be cut are laid out to find the middle. */
const CUT_EVENTS_MAX = 64;

/** A whole answer; one that is to be cut ends after half of its bytes. */
export function playWhole(
  content: string | Uint8Array,
  behaviour: Behaviour,
  headers: readonly string[],
  contentType = 'application/json',
): InProcessAnswer {
  const bytes = Buffer.from(content);
  const half = bytes.subarray(0, bytes.length >> 1);
  const steps: AnswerStep[] = behaviour.cut
    ? [
        { kind: 'bytes', afterMs: 0, bytes: half },
        { kind: 'cut', afterMs: 0 },
      ]
    : [{ kind: 'bytes', afterMs: 0, bytes }];
  const head = ['content-type', contentType, 'content-length', String(bytes.length), ...headers];
  return { status: behaviour.status, headers: head, afterMs: behaviour.firstByteMs, steps };
}

/** A stream; `pieces` are made while it is read. One that is to be cut ends in its middle. */
export function playStream(
  pieces: Iterable<string>,
  behaviour: Behaviour,
  headers: readonly string[],
  contentType = 'text/event-stream; charset=utf-8',
): InProcessAnswer {
  const head = ['content-type', contentType, 'cache-control', 'no-cache', ...headers];
  return { status: 200, headers: head, afterMs: behaviour.firstByteMs, steps: stepsOf(pieces, behaviour) };
}

function* stepsOf(pieces: Iterable<string>, { betweenMs, cut }: Behaviour): Generator<AnswerStep> {
  let afterMs = 0;
  for (const piece of cut ? firstHalf(pieces) : pieces) {
    yield { kind: 'bytes', afterMs, bytes: Buffer.from(piece) };
    afterMs = betweenMs;
  }
  if (cut) yield { kind: 'cut', afterMs };
}

function firstHalf(pieces: Iterable<string>): string[] {
  const first: string[] = [];
  for (const piece of pieces) {
    first.push(piece);
    if (first.length === CUT_EVENTS_MAX) break;
  }
  return first.slice(0, Math.max(1, first.length >> 1));
}
