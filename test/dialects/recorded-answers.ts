/**
 * Recorded answers of real providers. They are not part of this repository: KEYWARD_RECORDINGS names
 * a folder that holds, at any depth, a folder per provider, in each `*.json` (a whole answer) and
 * `*.chunks.txt` (a stream, one event's data a line).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DialectName } from '../../src/llm/dialect.ts';
import { writeMessage } from '../../src/lib/aws-event-stream.ts';
import type { Json } from './plain/gist.ts';
import { record } from './plain/gist.ts';

/** One answer. */
export interface Recording {
  /** Folder and file, and the number of the answer where a file holds several. */
  readonly name: string;
  readonly dialect: DialectName;
  readonly isStream: boolean;
  /** A whole answer, or the events of a stream. */
  readonly events: readonly Json[];
}

export interface Recordings {
  readonly answers: readonly Recording[];
  /** Files that hold no answer of a chat, or lines that are no JSON. */
  readonly others: readonly string[];
}

/** All that the folder holds. */
export function readRecordings(folder: string): Recordings {
  const answers: Recording[] = [];
  const others: string[] = [];
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const ending = /\.(?:json|chunks\.txt|sse)$/.exec(path)?.[0];
    if (ending === undefined) continue;
    const provider = basename(dirname(path));
    const name = `${provider}/${basename(path)}`;
    const text = readFileSync(join(folder, path), 'utf8');
    const events = (ending === '.json' ? [text] : text.split('\n')).flatMap(eventOf);
    const whole = events.filter((event) => event !== null);
    const dialect = whole.length < events.length ? null : dialectOf(provider, whole);
    if (dialect === null) others.push(name);
    else answers.push(...oneByOne({ name, dialect, isStream: ending !== '.json', events: whole }));
  }
  return { answers, others };
}

/** Null: damaged. */
function eventOf(line: string): readonly (Json | null)[] {
  const data = line.replace(/^data: ?/, '').trim();
  if (!data.startsWith('{')) return [];
  try {
    return [record(JSON.parse(data))];
  } catch {
    return [null];
  }
}

function dialectOf(provider: string, events: readonly Json[]): DialectName | null {
  const has = (test: (event: Json) => boolean) => events.some(test);
  if (has(({ type }) => type === 'message_start' || type === 'message')) return 'anthropic';
  if (has(({ type, object }) => type === 'response.created' || object === 'response')) return 'openai-responses';
  if (has(({ candidates }) => candidates !== undefined)) return 'gemini';
  if (has((event) => event['messageStop'] !== undefined || event['stopReason'] !== undefined)) return 'bedrock';
  if (has(({ type, finish_reason: reason }) => type === 'message-start' || reason !== undefined)) return 'cohere';
  if (!has(({ choices }) => choices !== undefined) || has(({ object }) => object === 'text_completion')) return null;
  return provider === 'mistral' ? 'mistral' : 'openai';
}

/** Some files hold the answers of several turns one after the other. */
function oneByOne(recording: Recording): readonly Recording[] {
  const { name, dialect, events } = recording;
  const ends = events.flatMap(({ type }, place) => (isEnd(type) ? [place + 1] : []));
  const cuts = dialect === 'bedrock' || ends.length < 2 ? [events.length] : ends;
  return cuts.map((to, place) => ({
    ...recording,
    name: cuts.length === 1 ? name : `${name} #${place + 1}`,
    events: events.slice(cuts[place - 1] ?? 0, to),
  }));
}

function isEnd(type: unknown): boolean {
  return (
    type === 'message_stop' ||
    type === 'response.completed' ||
    type === 'response.incomplete' ||
    type === 'response.failed'
  );
}

/** The bytes as the provider sent them. */
export function bytesOf({ dialect, isStream, events }: Recording): Buffer {
  if (!isStream) return Buffer.from(JSON.stringify(events[0]));
  if (dialect === 'bedrock') return Buffer.concat(events.map(bedrockFrame));
  const framed = events.map((event) => {
    const json = JSON.stringify(event);
    if (dialect === 'gemini') return `data: ${json}\r\n\r\n`;
    return dialect === 'openai' || dialect === 'mistral'
      ? `data: ${json}\n\n`
      : `event: ${String(event['type'])}\ndata: ${json}\n\n`;
  });
  if (dialect === 'openai' || dialect === 'mistral') framed.push('data: [DONE]\n\n');
  return Buffer.from(framed.join(''));
}

function bedrockFrame(event: Json): Buffer {
  const [[type, value] = ['', {}]] = Object.entries(event);
  const text = (value: string) => ({ type: 'string', value }) as const;
  return writeMessage({
    headers: new Map([
      [':message-type', text('event')],
      [':event-type', text(type)],
      [':content-type', text('application/json')],
    ]),
    payload: Buffer.from(JSON.stringify(value)),
  });
}
