import { crc32 } from 'node:zlib';
import type { JsonRecord } from '../../llm/record.ts';
import { isRecord } from '../../llm/record.ts';
import { eventText } from '../../llm/sse.ts';
import { countInput, countTokens, wordsOf } from './reply.ts';

/** What an endpoint answers that is not always JSON. */
export interface Content {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const RATE = 24_000;
const SECONDS = 0.1;

/** A tone whose height depends on the text: WAV whatever is asked for, or the bare samples as `pcm`. Null: no text. */
export function speechAnswer(body: JsonRecord): Content | null {
  const { input, response_format: format } = body;
  if (typeof input !== 'string' || input === '') return null;
  const samples = samplesOf(input);
  if (format === 'pcm') return { type: 'audio/pcm', bytes: samples };
  return { type: 'audio/wav', bytes: Buffer.concat([wavHeader(samples.length), samples]) };
}

/** The same as events. */
export function* speechEvents(input: string): Generator<string> {
  const audio = samplesOf(input).toString('base64');
  yield eventText(null, JSON.stringify({ type: 'speech.audio.delta', audio }));
  const tokens = countTokens(input);
  const usage = { input_tokens: tokens, output_tokens: 1, total_tokens: tokens + 1 };
  yield eventText(null, JSON.stringify({ type: 'speech.audio.done', usage }));
}

/** 16 bits a sample, one channel, little-endian. */
function samplesOf(text: string): Buffer {
  const hertz = 220 + (crc32(text) % 660);
  const samples = Buffer.alloc(RATE * SECONDS * 2);
  for (let i = 0; i < samples.length / 2; i++) {
    samples.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * hertz * i) / RATE)), i * 2);
  }
  return samples;
}

/** RIFF WAVE with samples as they are (PCM). */
function wavHeader(bytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + bytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(bytes, 40);
  return header;
}

/** What was heard: how much it was, for nothing here listens. */
export interface Heard {
  readonly text: string;
  readonly task: 'transcribe' | 'translate';
  readonly seconds: number;
  readonly format: string;
  readonly usage: JsonRecord;
}

/** Reads a request for a transcript; null if there is no file in it. */
export function readHeard(body: JsonRecord, task: Heard['task']): Heard | null {
  const { file, response_format: format, prompt } = body;
  const size = isRecord(file) ? file['size'] : null;
  if (typeof size !== 'number') return null;
  const text = `The sandbox received ${size} bytes of sound.`;
  const seconds = Math.round((size / (RATE * 2)) * 1000) / 1000;
  const audio = Math.max(1, Math.ceil(seconds * 10));
  const textIn = typeof prompt === 'string' && prompt !== '' ? countInput([prompt]) : 0;
  const output = countTokens(text);
  const usage = {
    type: 'tokens',
    input_tokens: audio + textIn,
    input_token_details: { audio_tokens: audio, text_tokens: textIn },
    output_tokens: output,
    total_tokens: audio + textIn + output,
  };
  return { text, task, seconds, format: typeof format === 'string' ? format : 'json', usage };
}

/** A whole transcript in the format that was asked for. */
export function transcriptAnswer(heard: Heard): Content | null {
  const { text, seconds, usage, format, task } = heard;
  const end = timeText(seconds);
  switch (format) {
    case 'json':
      return json({ text, usage });
    case 'verbose_json':
      return json({
        task,
        language: 'english',
        duration: seconds,
        text,
        segments: [],
        usage: { type: 'duration', seconds },
      });
    case 'text':
      return { type: 'text/plain; charset=utf-8', bytes: Buffer.from(`${text}\n`) };
    case 'srt':
      return {
        type: 'text/plain; charset=utf-8',
        bytes: Buffer.from(`1\n00:00:00,000 --> ${end.replace('.', ',')}\n${text}\n\n`),
      };
    case 'vtt':
      return { type: 'text/vtt; charset=utf-8', bytes: Buffer.from(`WEBVTT\n\n00:00:00.000 --> ${end}\n${text}\n\n`) };
    default:
      return null;
  }
}

/** A transcript word by word. */
export function* transcriptEvents({ text, usage }: Heard): Generator<string> {
  for (const delta of wordsOf(text)) yield eventText(null, JSON.stringify({ type: 'transcript.text.delta', delta }));
  yield eventText(null, JSON.stringify({ type: 'transcript.text.done', text, usage }));
}

function json(value: JsonRecord): Content {
  return { type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) };
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice('1970-01-01T'.length, -1);
}
