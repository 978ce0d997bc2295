/**
 * Requests about images and sound, and for moderation: JSON, or forms where files are sent
 * (https://platform.openai.com/docs/api-reference/images, …/audio, …/moderations).
 */
import { isUtf8 } from 'node:buffer';
import { ERRORS } from '../../errors.ts';
import type { FormDocument } from '../../lib/form-data.ts';
import { isFormType, readForm } from '../../lib/form-data.ts';
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
const RULES: BodyRules = { model: 'optional', stream: true, wholeNumbers: ['n'], single: ['stream_format'] };

const EVENTS = Buffer.from('"sse"');
/** More than any vendor makes at once: a bound for what is reserved. */
const IMAGES_MAX = 1000;
const VALUE_BYTES_MAX = 4096;

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
  const format = document.find('stream_format');
  const isEvents = typeof format === 'object' && body.subarray(format.from, format.to).equals(EVENTS);
  const named = model === null ? null : { name: model.name, from: model.span.from, to: model.span.to };
  return reading(body, operation, named, read.stream || isEvents, read.numbers.get('n') ?? 1);
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
  if (n !== null && !/^\d{1,9}$/.test(n.text)) return invalid('"n" must be a whole number.');
  const streams = stream?.text.toLowerCase() === 'true';
  const read = reading(body, operation, model, streams, n === null ? 1 : Number(n.text));
  return { ok: true, reading: { ...read.reading, isForm: true } };
}

interface NamedModel {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

function readModel(body: Buffer, form: FormDocument): NamedModel | null | BodyFailure {
  const value = readValue(body, form, 'model');
  if (value === null || 'ok' in value) return value;
  if (value.text === '') return { ok: false, code: 'model_missing', message: ERRORS.model_missing.title };
  const reason = refuseModelName(value.text);
  return reason === null ? { name: value.text, from: value.from, to: value.to } : invalid(reason);
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

function reading(
  body: Buffer,
  operation: MediaOperation,
  model: NamedModel | null,
  stream: boolean,
  n: number,
): { readonly ok: true; readonly reading: RequestReading } {
  const makesImages = operation.startsWith('image_');
  const media: MediaReading = {
    images: makesImages ? Math.min(Math.max(n, 1), IMAGES_MAX) : 0,
    answerTypes: ANSWER_TYPES[operation],
  };
  return {
    ok: true,
    reading: {
      body,
      model: model?.name ?? null,
      stream,
      modelSpans: model === null ? [] : [{ from: model.from, to: model.to }],
      outputTokensMax: null,
      askUsage: null,
      media,
    },
  };
}
