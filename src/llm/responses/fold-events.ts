/** For tests: a stream's events put together to an answer, while the promises of `AnswerEvent` are checked. */
import type {
  AnswerEvent,
  Annotation,
  ChatAnswer,
  Finish,
  Part,
  PartStart,
  Signature,
  StreamError,
  TokenLogprob,
} from '../canonical.ts';
import type { Usage } from '../dialect.ts';

export interface Folded {
  readonly start: Pick<ChatAnswer, 'id' | 'model' | 'createdS' | 'extra'> | null;
  readonly parts: readonly Part[];
  readonly finish: Finish | null;
  readonly usage: Usage | null;
  readonly error: StreamError | null;
  readonly hasEnd: boolean;
}

interface OpenPart {
  readonly start: PartStart;
  text: string;
  readonly annotations: Annotation[];
  readonly logprobs: TokenLogprob[];
  signature: Signature | null;
  redacted: boolean;
}

/** Throws where the events break a promise. */
export function foldEvents(events: readonly AnswerEvent[]): Folded {
  let start: Folded['start'] = null;
  const parts: Part[] = [];
  let open: OpenPart | null = null;
  let finish: Finish | null = null;
  let usage: Usage | null = null;
  let error: StreamError | null = null;
  let hasEnd = false;
  for (const event of events) {
    check(!hasEnd && error === null, 'nothing follows an end or an error');
    if (event.type !== 'start' && event.type !== 'error') check(start !== null, 'the start is first');
    if ('choice' in event) check(event.choice === 0 && finish === null, 'nothing of a choice follows its finish');
    switch (event.type) {
      case 'start':
        check(start === null, 'one start');
        start = { id: event.id, model: event.model, createdS: event.createdS, extra: event.extra };
        break;
      case 'open':
        check(open === null && event.part === parts.length, 'parts follow each other');
        open = { start: event.start, text: '', annotations: [], logprobs: [], signature: null, redacted: false };
        break;
      case 'finish':
        check(open === null, 'a finish follows the last close');
        finish = event.finish;
        break;
      case 'usage':
        usage = event.usage;
        break;
      case 'error':
        error = event.error;
        break;
      case 'end':
        check(finish !== null, 'an end follows a finish');
        hasEnd = true;
        break;
      default:
        check(open !== null, `${event.type} needs an open part`);
        if (open === null) break;
        if (event.type === 'close') {
          parts.push(partOf(open));
          open = null;
        } else add(open, event);
    }
  }
  return { start, parts, finish, usage, error, hasEnd };
}

function add(
  open: OpenPart,
  event: Extract<AnswerEvent, { type: 'delta' | 'annotation' | 'logprobs' | 'signature' }>,
): void {
  switch (event.type) {
    case 'delta':
      check(event.text !== '', 'no empty delta');
      open.text += event.text;
      break;
    case 'annotation':
      open.annotations.push(event.annotation);
      break;
    case 'logprobs':
      open.logprobs.push(...event.logprobs);
      break;
    case 'signature':
      check(open.signature === null, 'one signature a part');
      open.signature = event.signature;
      open.redacted = event.redacted ?? false;
  }
}

function partOf({ start, text, annotations, logprobs, signature, redacted }: OpenPart): Part {
  if ('source' in start || start.kind === 'opaque') return start;
  switch (start.kind) {
    case 'text':
      return {
        kind: 'text',
        text,
        ...(annotations.length > 0 && { annotations }),
        ...(logprobs.length > 0 && { logprobs }),
      };
    case 'tool_call':
      return { ...start, arguments: text, ...(signature !== null && { signature }) };
    case 'thinking':
      return { kind: 'thinking', text, signature, ...(redacted && { redacted }) };
    default:
      return { kind: 'refusal', text };
  }
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}
