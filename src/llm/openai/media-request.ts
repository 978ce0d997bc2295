/**
 * Requests about images and sound, and for moderation: JSON, or forms where files are sent
 * (https://platform.openai.com/docs/api-reference/images, …/audio, …/moderations).
 */
import { isUtf8 } from 'node:buffer';
import { ERRORS } from '../../errors.ts';
import type { FormDocument } from '../../lib/form-data.ts';
import { isFormType, readForm } from '../../lib/form-data.ts';
import type { JsonDocument } from '../../lib/json-scan.ts';
import { soundMs } from '../../lib/sound-length.ts';
import type { MediaReading, ModelOperation, ReadRequestResult, RequestReading } from '../dialect.ts';
import type { BodyFailure, BodyRules } from '../request-body.ts';
import { invalid, readRequestBody, refuseModelName, twice } from '../request-body.ts';

type MediaOperation =
  | 'moderation'
  | 'image_generation'
  | 'image_edit'
  | 'image_variation'
  | 'speech'
  | 'transcription'
  | 'translation';

const SOUND = /^(?:audio\/|application\/octet-stream\s*(?:;|$))/i;
/** Transcripts that are no JSON: plain text, and subtitles in two formats. */
const TRANSCRIPT = /^(?:text\/(?:plain|vtt|srt)|application\/(?:x-subrip|srt))\s*(?:;|$)/i;

const ANSWER_TYPES: Readonly<Record<MediaOperation, RegExp | null>> = {
  moderation: null,
  image_generation: null,
  image_edit: null,
  image_variation: null,
  speech: SOUND,
  transcription: TRANSCRIPT,
  translation: TRANSCRIPT,
};

/** OpenAI chooses a model where none is named: what is asked for by its own path may leave that to it. */
const RULES: BodyRules = {
  model: 'optional',
  stream: true,
  wholeNumbers: [{ name: 'n', min: 1 }],
  single: ['stream_format', 'response_format', 'input'],
};

/** Transcripts without a place for usage. */
const PLAIN_FORMATS: readonly string[] = ['text', 'srt', 'vtt'];
/** More than any vendor makes at once: a bound for what is reserved. */
const IMAGES_MAX = 1000;
const VALUE_BYTES_MAX = 4096;
const WORD_BYTES_MAX = 64;

export function isMediaOperation(operation: ModelOperation): operation is MediaOperation {
  return Object.hasOwn(ANSWER_TYPES, operation);
}

export function readMediaRequest(
  body: Buffer,
  operation: MediaOperation,
  contentType: string | null,
): ReadRequestResult {
  return contentType !== null && isFormType(contentType)
    ? readFormRequest(body, operation, contentType)
    : readJsonRequest(body, operation);
}

function readJsonRequest(body: Buffer, operation: MediaOperation): ReadRequestResult {
  const read = readRequestBody(body, RULES);
  if (!read.ok) return read;
  const { model, document } = read;
  // Speech has a word of its own for a stream.
  const isEvents = wordOf(body, document, 'stream_format') === 'sse';
  const named = model === null ? null : { text: model.name, ...model.span };
  return reading(body, operation, {
    model: named,
    stream: read.stream || isEvents,
    images: read.numbers.get('n') ?? 1,
    format: wordOf(body, document, 'response_format'),
    characters: operation === 'speech' ? charactersOf(body, document) : 0,
    audioMs: 0,
  });
}

/** Of the text that is to be spoken, which is what vendors count; 0 where it is none, which they will refuse. */
function charactersOf(body: Buffer, document: JsonDocument): number {
  const span = document.find('input');
  const input: unknown = typeof span === 'object' ? JSON.parse(body.toString('utf8', span.from, span.to)) : null;
  if (typeof input !== 'string') return 0;
  let count = 0;
  for (const _ of input) count += 1;
  return count;
}

/** A short plain string; null where there is none, and for all else. */
function wordOf(body: Buffer, document: JsonDocument, name: string): string | null {
  const span = document.find(name);
  if (typeof span !== 'object' || span.to - span.from > WORD_BYTES_MAX) return null;
  return /^"(\w+)"$/.exec(body.toString('latin1', span.from, span.to))?.[1] ?? null;
}

function readFormRequest(body: Buffer, operation: MediaOperation, contentType: string): ReadRequestResult {
  const result = readForm(body, contentType);
  if (!result.ok) return invalid(`The body is not a valid form: ${result.message}. Correct it and send it again.`);
  const { form } = result;
  const model = readModel(body, form);
  if (model !== null && 'ok' in model) return model;
  const stream = readValue(body, form, 'stream');
  if (stream !== null && 'ok' in stream) return stream;
  if (stream !== null && !/^(?:true|false)$/i.test(stream.text)) return invalid('"stream" must be true or false.');
  const n = readValue(body, form, 'n');
  if (n !== null && 'ok' in n) return n;
  if (n !== null && !/^[1-9]\d{0,8}$/.test(n.text)) return invalid('"n" must be a whole number, 1 or more.', 'n');
  const format = readValue(body, form, 'response_format');
  if (format !== null && 'ok' in format) return format;
  const read = reading(body, operation, {
    model,
    stream: stream?.text.toLowerCase() === 'true',
    images: n === null ? 1 : Number(n.text),
    format: format?.text ?? null,
    characters: 0,
    audioMs: operation === 'transcription' || operation === 'translation' ? soundOf(body, form) : 0,
  });
  return { ok: true, reading: { ...read.reading, isForm: true } };
}

/** Of all files: a vendor that would take the second one could not be told from one that takes the first. */
function soundOf(body: Buffer, { fields }: FormDocument): number {
  const lengths = fields.map(({ isFile, from, to }) => (isFile ? soundMs(body.subarray(from, to)) : 0));
  return lengths.reduce((sum, ms) => sum + ms, 0);
}

function readModel(body: Buffer, form: FormDocument): FieldValue | null | BodyFailure {
  const value = readValue(body, form, 'model');
  if (value === null || 'ok' in value) return value;
  if (value.text === '') return { ok: false, code: 'model_missing', message: ERRORS.model_missing.title };
  const reason = refuseModelName(value.text);
  return reason === null ? value : invalid(reason);
}

interface FieldValue {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** A short text; null: the form has no such field. */
function readValue(body: Buffer, form: FormDocument, name: string): FieldValue | null | BodyFailure {
  const field = form.find(name);
  if (field === undefined) return null;
  if (field === 'duplicate') return twice(name);
  const { from, to, isFile } = field;
  const bytes = body.subarray(from, to);
  if (isFile || bytes.length > VALUE_BYTES_MAX || !isUtf8(bytes))
    return invalid(`"${name}" must be a short text, not a file.`);
  return { text: bytes.toString('utf8'), from, to };
}

interface Asked {
  readonly model: FieldValue | null;
  readonly stream: boolean;
  readonly images: number;
  readonly format: string | null;
  readonly characters: number;
  readonly audioMs: number;
}

function reading(
  body: Buffer,
  operation: MediaOperation,
  { model, stream, images, format, characters, audioMs }: Asked,
): { readonly ok: true; readonly reading: RequestReading } {
  const media: MediaReading = {
    images: operation.startsWith('image_') ? Math.min(Math.max(images, 1), IMAGES_MAX) : 0,
    characters,
    audioMs,
    answerTypes: ANSWER_TYPES[operation],
    mayTellUsage: mayTellUsage(operation, stream, format),
  };
  return {
    ok: true,
    reading: {
      body,
      model: model?.text ?? null,
      stream,
      modelSpans: model === null ? [] : [{ from: model.from, to: model.to }],
      outputTokensMax: null,
      askUsage: null,
      media,
    },
  };
}

function mayTellUsage(operation: MediaOperation, stream: boolean, format: string | null): boolean {
  if (operation === 'speech') return stream;
  if (operation === 'transcription') return !PLAIN_FORMATS.includes(format ?? '');
  return operation !== 'translation';
}
