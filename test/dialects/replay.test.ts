/**
 * Every recorded answer of a real provider, told to a client of every dialect, whole and as a stream:
 * what the client receives says what the recording says, each read in the plainest way.
 */
import { describe, expect, test } from 'vitest';
import type { ChatRequest } from '../../src/llm/canonical.ts';
import { CLIENT_CODECS, PROVIDER_CODECS } from '../../src/llm/codecs.ts';
import type { ClientDialectName, Usage } from '../../src/llm/dialect.ts';
import { UNKNOWN_TRAITS } from '../../src/llm/model-traits.ts';
import { translateChat } from '../../src/llm/translate.ts';
import type { Translation } from '../../src/llm/translate.ts';
import { PLAIN_REQUEST } from '../chat-requests.ts';
import type { Gist, Json } from './plain/gist.ts';
import { orNothing, record } from './plain/gist.ts';
import { PLAIN_FORMATS } from './plain/index.ts';
import { bytesOf, readRecordings } from './recorded-answers.ts';
import type { Recording } from './recorded-answers.ts';

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers to every client are skipped.');

const CLIENTS = Object.keys(CLIENT_CODECS) as ClientDialectName[];

/** Files that are not replayed. */
const LEFT_OUT: readonly (readonly [files: RegExp, reason: string])[] = [
  [/-(?:embedding|reranking\.1)\.json$/, 'embeddings and rankings: other operations, with tests of their own'],
  [
    /^google\/(?:basic|google-search|multi-turn-state.*|structured-output|tool-call-step\d)\./,
    'the Interactions API, which no dialect is for',
  ],
  [/^google\/google-live-|^openai\/openai-realtime-/, 'sessions over WebSocket'],
  [/^google\/google-429-|^openai\/(?:openai-error\.1\.json|.*-error\.json)/, 'error answers, which are not translated'],
  [/-transcription(?:-text)?\.json$/, 'speech to text'],
  [/^openai\/openai-image(?:-edit)?\.json$/, 'images'],
  [/-skill-(?:version-)?create\.json$/, 'management of skills'],
  [/^openai\/openai-completion-text\./, 'the older text completions, which pass between equal dialects only'],
  [/^openai\/parallel-tool-call-wrapper\.1\.chunks\.txt$/, 'two of its lines are cut off: no JSON'],
];

/** What a client receives otherwise than the provider said it. */
interface Difference {
  readonly recording: RegExp;
  readonly clients: readonly ClientDialectName[];
  /** What is received instead. */
  readonly instead: (said: Gist) => Gist;
  readonly reason: string;
  /** Whether the client's format could say it at all. */
  readonly hasCounterpart: boolean;
}

const DIFFERENCES: readonly Difference[] = [
  {
    recording: /^openai\/openai-custom-tool\.1\./,
    clients: ['anthropic', 'gemini'],
    instead: (said) => ({
      ...said,
      calls: said.calls.map(({ name, arguments: input }) => ({ name, arguments: { input } })),
    }),
    reason: 'the formats have no tools with free text: the text goes as the one argument of a function',
    hasCounterpart: false,
  },
  {
    recording: /^anthropic\/anthropic-code-execution-20260120-prompt-cache\.1\./,
    clients: ['gemini'],
    instead: ({ usage, ...said }) => ({ ...said, usage: usage === null ? null : { ...usage, cacheWrite: 0 } }),
    reason: 'the format has no count of what was written to a cache',
    hasCounterpart: false,
  },
  {
    recording: /^anthropic\/spliced-message-start\./,
    clients: ['openai', 'gemini'],
    instead: (said) => ({ ...said, calls: [] }),
    reason:
      'the stream fails within a call: Gemini tells only whole calls, and for OpenAI the first piece waits for the second',
    hasCounterpart: true,
  },
];

/** Of the answers that the client's format can say. */
const SHARE_MIN = 0.99;

describe.runIf(folder !== undefined)('recorded answers', () => {
  const { answers, others } = folder === undefined ? { answers: [], others: [] } : readRecordings(folder);

  test('are there, and every file that is not replayed has a reason', () => {
    expect(answers.filter(({ isStream }) => isStream).length).toBeGreaterThan(100);
    expect(answers.filter(({ isStream }) => !isStream).length).toBeGreaterThan(100);
    expect(others.filter((name) => !LEFT_OUT.some(([files]) => files.test(name)))).toEqual([]);
  });

  test('are all but 1 % the same for the client, where its format can say them', () => {
    const differences = answers.flatMap((answer) => CLIENTS.flatMap((client) => differenceOf(answer, client) ?? []));
    const told = answers.length * CLIENTS.length - differences.filter(({ hasCounterpart }) => !hasCounterpart).length;
    const same = answers.length * CLIENTS.length - differences.length;
    expect(same / told).toBeGreaterThanOrEqual(SHARE_MIN);
  });

  describe.each(answers)('$name', (recording) => {
    const said = gistOf(recording);

    test.each(CLIENTS)('reaches a client of %s', (client) => {
      const difference = differenceOf(recording, client);
      const expected = difference?.instead(said) ?? said;
      if (difference !== undefined) expect(expected, 'the difference is gone').not.toEqual(said);
      const { received } = replayed(recording, client);
      // A client that is told of a failure may be told no usage.
      const isCut = recording.isStream && expected.ending === 'failed';
      expect(received).toEqual({ ...expected, ...(isCut && { usage: received.usage }) });
    });

    test('is booked with the usage that the provider told', () => {
      expect(countsOf(replayed(recording, 'openai').usage)).toEqual(said.usage);
    });
  });
});

function differenceOf({ name }: Recording, client: ClientDialectName): Difference | undefined {
  return DIFFERENCES.find(({ recording, clients }) => recording.test(name) && clients.includes(client));
}

function gistOf({ dialect, isStream, events }: Recording): Gist {
  const format = PLAIN_FORMATS[dialect];
  return format.whole(isStream ? format.fold(events) : (events[0] ?? {}));
}

function countsOf(usage: Usage | null): Gist['usage'] {
  if (usage === null) return null;
  return orNothing({
    input: usage.inputTokens,
    cached: usage.cachedInputTokens,
    cacheWrite: usage.cacheWriteTokens,
    output: usage.outputTokens,
    reasoning: usage.reasoningTokens,
  });
}

interface Replayed {
  readonly received: Gist;
  readonly usage: Usage | null;
}

function replayed(recording: Recording, client: ClientDialectName): Replayed {
  const request: ChatRequest = { ...PLAIN_REQUEST, stream: recording.isStream, wantsStreamUsage: true };
  const translation = translateChat(request, {
    client: CLIENT_CODECS[client],
    provider: PROVIDER_CODECS[recording.dialect],
    target: { name: 'model', traits: UNKNOWN_TRAITS },
    context: { requestId: 'req_replay', model: 'house/model', nowS: 1_790_000_000, request },
  });
  if (recording.isStream) return streamed(recording, client, translation);
  const { text, usage } = translation.readAnswer(bytesOf(recording));
  return { received: PLAIN_FORMATS[client].whole(record(JSON.parse(text))), usage };
}

/** As the gateway does it: what does not end as the dialect ends is told as an error. */
function streamed(recording: Recording, client: ClientDialectName, { stream }: Translation): Replayed {
  if (stream === null) throw new Error('no stream');
  const observer = stream.observe();
  const bytes = bytesOf(recording);
  let text = '';
  const decoder = new TextDecoder();
  const add = (chunk: Uint8Array | null) => (text += chunk === null ? '' : decoder.decode(chunk, { stream: true }));
  // Pieces of odd sizes, so that events are cut in their middle and come together.
  for (let from = 0, size = 1; from < bytes.length; from += size, size = (size * 7 + 3) % 1_013)
    add(observer.push(bytes.subarray(from, from + size)));
  add(observer.flush());
  if (observer.failure() !== null || !observer.complete())
    text += observer.fail({ status: 502, code: 'upstream_failed', message: 'It failed.', requestId: 'req_replay' });
  return {
    received: PLAIN_FORMATS[client].whole(PLAIN_FORMATS[client].fold(eventsOf(text, client))),
    usage: observer.usage(),
  };
}

/** The data of the events, with what the client's own SDK asks of their names and their end. */
function eventsOf(text: string, client: ClientDialectName): readonly Json[] {
  const frames = text.split('\n\n').filter((frame) => frame !== '');
  const events = frames.map((frame) => {
    const lines = frame.split('\n');
    const data = lines.find((line) => line.startsWith('data: '))?.slice(6) ?? '';
    const event = data === '[DONE]' ? { done: true } : record(JSON.parse(data));
    const name = lines.find((line) => line.startsWith('event: '))?.slice(7);
    if (client === 'anthropic' || client === 'openai-responses') expect(name).toBe(event['type']);
    return event;
  });
  if (client === 'openai') expect(events.at(-1)?.['done'] ?? events.at(-1)?.['error']).toBeDefined();
  return events;
}
