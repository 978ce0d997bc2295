/**
 * Every capability, from every client's dialect to every provider's and back, whole and as a stream.
 * The golden files are read by people when they change: `vitest -u` writes them anew.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ChatRequest } from '../../src/llm/canonical.ts';
import type { AnswerContext } from '../../src/llm/codec.ts';
import { CLIENT_CODECS, PROVIDER_CODECS } from '../../src/llm/codecs.ts';
import type { ClientDialectName, DialectName } from '../../src/llm/dialect.ts';
import { RequestFault } from '../../src/llm/faults.ts';
import { UNKNOWN_TRAITS } from '../../src/llm/model-traits.ts';
import { Report } from '../../src/llm/report.ts';
import { translateChat } from '../../src/llm/translate.ts';
import { warningText } from '../../src/llm/warning-text.ts';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import type { Said } from '../fakes/speakers/said.ts';
import { ANSWERS } from './answers.ts';
import { CAPABILITIES } from './capabilities.ts';

const CLIENTS = Object.keys(CLIENT_CODECS) as ClientDialectName[];
const PROVIDERS = Object.keys(PROVIDER_CODECS) as DialectName[];
const TARGET = { name: 'model', traits: UNKNOWN_TRAITS };

function golden(folder: string, name: string): string {
  return join(import.meta.dirname, 'golden', folder, `${name.replaceAll(/[^a-z0-9]+/g, '-')}.json`);
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What clients of a dialect always say besides: it must not make a warning elsewhere. */
const HABITS: Readonly<Partial<Record<ClientDialectName, ChatRequest['extra']>>> = {
  'openai-responses': { store: false },
};

/** The same request as a client of the dialect writes it; null where the dialect cannot say it. */
function asked(request: ChatRequest, client: ClientDialectName): Readonly<Record<string, unknown>> | null {
  const report = new Report();
  try {
    const own: ChatRequest = { ...request, extraOf: client, extra: HABITS[client] ?? {} };
    const body = PROVIDER_CODECS[client].writeChat(own, TARGET, report);
    return report.warnings.length === 0 ? body : null;
  } catch (error) {
    if (error instanceof RequestFault) return null;
    throw error;
  }
}

function sent(
  body: Readonly<Record<string, unknown>>,
  request: ChatRequest,
  client: ClientDialectName,
  to: DialectName,
) {
  const read = CLIENT_CODECS[client].readChat(body, { model: request.model, stream: request.stream });
  const report = new Report();
  try {
    const written = PROVIDER_CODECS[to].writeChat(read, TARGET, report);
    return { body: written, ...(report.warnings.length > 0 && { warnings: warningText(report.warnings) }) };
  } catch (error) {
    if (error instanceof RequestFault) return { refused: `${error.field}: ${error.message}` };
    throw error;
  }
}

interface Group {
  readonly from: string[];
  readonly value: unknown;
}

/** Equal values once, with all that gave them. */
function grouped(entries: readonly (readonly [from: string, value: unknown])[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [from, value] of entries) {
    const key = JSON.stringify(value);
    const group = groups.get(key) ?? { from: [], value };
    group.from.push(from);
    groups.set(key, group);
  }
  return [...groups.values()];
}

describe('a request reaches every provider from every client', () => {
  test.each(Object.entries(CAPABILITIES))('%s', async (name, request) => {
    const bodies = CLIENTS.flatMap((client) => {
      const body = asked(request, client);
      return body === null ? [] : [[client, body] as const];
    });
    expect(bodies.length, 'no client can say it').toBeGreaterThan(0);
    const cells = Object.fromEntries(
      PROVIDERS.map((to) => [
        to,
        grouped(bodies.map(([client, body]) => [client, sent(body, request, client, to)] as const)).map(
          ({ from, value }) => ({ from: from.join(', '), ...(value as object) }),
        ),
      ]),
    );
    await expect(pretty({ asked: Object.fromEntries(bodies), sent: cells })).toMatchFileSnapshot(
      golden('requests', name),
    );
  });
});

function contextOf(request: ChatRequest): AnswerContext {
  return { requestId: 'req_golden', model: 'house/model', nowS: 1_790_000_000, request };
}

function translated(request: ChatRequest, client: ClientDialectName, provider: DialectName) {
  return translateChat(request, {
    client: CLIENT_CODECS[client],
    provider: PROVIDER_CODECS[provider],
    target: TARGET,
    context: contextOf(request),
  });
}

/** Whether the format has all that is said: what only some have stands in `says`. */
function canSay(provider: DialectName, said: Said): boolean {
  const { says } = SPEAKERS[provider];
  return SOMETIMES.every((what) => said[what] === undefined || says.includes(what));
}

const SOMETIMES = ['others', 'tokens', 'page', 'document', 'recited', 'sources'] as const satisfies (keyof Said)[];

describe('an answer reaches every client from every provider', () => {
  const request = CAPABILITIES['tools'];
  if (request === undefined) throw new Error('there is no request with tools');

  test.each(Object.entries(ANSWERS))('%s, whole', async (name, said) => {
    const cells = CLIENTS.map((client) => {
      const answers = PROVIDERS.filter((provider) => canSay(provider, said)).map((provider) => {
        const bytes = Buffer.from(JSON.stringify(SPEAKERS[provider].whole(said)));
        const { text, usage, warnings } = translated(request, client, provider).readAnswer(bytes);
        expect(usage, provider).toMatchObject({
          inputTokens: said.usage.input,
          cachedInputTokens: said.usage.cached,
          outputTokens: said.usage.output,
        });
        return [provider, { answer: JSON.parse(text) as unknown, ...(warnings.length > 0 && { warnings }) }] as const;
      });
      return [client, grouped(answers).map(({ from, value }) => ({ from: from.join(', '), ...(value as object) }))];
    });
    await expect(pretty(Object.fromEntries(cells))).toMatchFileSnapshot(golden('answers', name));
  });

  test.each(Object.entries(ANSWERS))('%s, as a stream', async (name, said) => {
    const streaming = { ...request, stream: true };
    const cells = CLIENTS.map((client) => {
      const answers = PROVIDERS.filter((provider) => canSay(provider, said)).map((provider) => {
        const { stream: streams, warnings } = translated(streaming, client, provider);
        const stream = streams?.observe();
        if (stream === undefined) throw new Error('no stream');
        const pieces = SPEAKERS[provider].stream(said).map((event) => stream.push(event));
        pieces.push(stream.flush());
        expect(stream.complete(), provider).toBe(true);
        expect(stream.usage(), provider).toMatchObject({
          inputTokens: said.usage.input,
          cachedInputTokens: said.usage.cached,
          outputTokens: said.usage.output,
        });
        const text = Buffer.concat(pieces.filter((piece) => piece !== null)).toString();
        const lines = text.split('\n').filter((line) => line.trim() !== '');
        return [provider, { stream: lines, ...(warnings.length > 0 && { warnings }) }] as const;
      });
      return [client, grouped(answers).map(({ from, value }) => ({ from: from.join(', '), ...(value as object) }))];
    });
    await expect(pretty(Object.fromEntries(cells))).toMatchFileSnapshot(golden('streams', name));
  });
});
