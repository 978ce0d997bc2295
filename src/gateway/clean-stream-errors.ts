import type { StreamErrors, StreamObserver, ToldError } from '../llm/dialect.ts';
import { readEvent, watchEvents, withData } from '../llm/sse.ts';
import { readErrorBody } from '../routing/error-body.ts';
import type { Call } from './call.ts';
import { passableEvent } from './passable-error.ts';
import { sentCredential } from './seat.ts';

/** The event that tells an error is smaller; a larger one that comes in pieces passes without being looked at. */
const HELD_BYTES_MAX = 65_536;

/** In the name of each event that tells an error, or in a member of it. */
const ERROR = Buffer.from('error');

/**
 * A stream of the caller's own dialect whose bytes pass, but for the errors that the provider tells in
 * it: those are cleaned as whole ones are. One search for a word is all that any other event costs.
 */
export function cleanStreamErrors(observer: StreamObserver, errors: StreamErrors, call: Call): StreamObserver {
  const credential = sentCredential(call);
  const events = watchEvents(
    {
      mayMatter: (bytes) => bytes.includes(ERROR),
      inspect: (event) => {
        const read = readEvent(event);
        const told = errors.read(read);
        if (told === null && read.name !== 'error') return false;
        if (told !== null) call.upstreamCode = codeOf(told);
        const data = passableEvent(read.data, credential);
        return data === read.data ? false : withData(event, data);
      },
    },
    { mayChange: true, heldBytesMax: HELD_BYTES_MAX },
  );
  return {
    push: (chunk) => {
      const passed = observer.push(chunk);
      return passed === null ? null : events.push(passed);
    },
    flush: () => {
      const rest = observer.flush();
      const passed = rest === null ? null : events.push(rest);
      const last = events.flush();
      return passed === null || last === null ? (passed ?? last) : Buffer.concat([passed, last]);
    },
    usage: () => observer.usage(),
    complete: () => observer.complete(),
    ending: () => observer.ending(),
  };
}

function codeOf({ body }: ToldError): string | null {
  const { code, type } = readErrorBody(Buffer.from(body), []);
  return code ?? type;
}
