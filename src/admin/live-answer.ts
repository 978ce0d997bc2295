/** An answer that is told part by part: as lines of JSON, or as server-sent events. */
import type { Answer } from './contract.ts';

/** The forms in which parts are told, by their media type. */
export const LIVE_TYPES = ['application/x-ndjson', 'text/event-stream'] as const;
export type LiveType = (typeof LIVE_TYPES)[number];

/** What one message is about: a part, the whole answer at the end, or in its place what went wrong. */
type Topic = 'part' | 'answer' | 'problem';

const FORMS: Readonly<Record<LiveType, (topic: Topic, value: unknown) => string>> = {
  'application/x-ndjson': (topic, value) => `${JSON.stringify({ [topic]: value })}\n`,
  'text/event-stream': (topic, value) => `event: ${topic}\ndata: ${JSON.stringify(value)}\n\n`,
};

/** The form that a caller asks for; null: the whole answer at once. */
export function liveTypeOf(accept: string | undefined): LiveType | null {
  const first = accept?.split(',')[0]?.split(';')[0]?.trim().toLowerCase();
  return LIVE_TYPES.find((type) => type === first) ?? null;
}

/**
 * Begins the answer with its first part, and so rejects like any other call where it fails before
 * that. What goes wrong later is the last message. A caller that goes away stops the telling, not
 * the work.
 */
export async function liveAnswer(
  type: LiveType,
  run: (tell: (part: unknown) => void) => Promise<Answer>,
  problemOf: (error: unknown) => Promise<unknown>,
): Promise<Response> {
  const encoder = new TextEncoder();
  const begun = Promise.withResolvers<void>();
  let isOpen = true;
  let push: (bytes: Uint8Array) => void = () => undefined;
  let end: () => void = () => undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      push = (bytes) => controller.enqueue(bytes);
      end = () => controller.close();
    },
    cancel: () => {
      isOpen = false;
    },
  });
  const say = (topic: Topic, value: unknown): void => {
    if (isOpen) push(encoder.encode(FORMS[type](topic, value)));
    begun.resolve();
  };
  const work = run((part) => say('part', part));
  // A failure from here on is told below; one before the first part is the caller's.
  await Promise.race([begun.promise, work]);
  void work
    .then(({ body: answer }) => say('answer', answer))
    .catch(async (error: unknown) => say('problem', await problemOf(error)))
    .finally(() => {
      if (isOpen) end();
    });
  // A proxy between must not hold the parts back.
  return new Response(body, { headers: { 'content-type': type, 'x-accel-buffering': 'no' } });
}
