/** Sources of a text and its tokens' probabilities, as `output_text` holds them. */
import type { Annotation, TokenLogprob } from '../canonical.ts';
import { isRecord, type JsonRecord } from '../record.ts';

/** Tolerant: what is no annotation is left out. */
export function readAnnotations(value: unknown): readonly Annotation[] {
  return Array.isArray(value) ? value.filter(isRecord).map(readAnnotation) : [];
}

export function readAnnotation(raw: JsonRecord): Annotation {
  return {
    url: stringOrNull(raw['url']),
    title: stringOrNull(raw['title'] ?? raw['filename']),
    from: numberOrNull(raw['start_index']),
    to: numberOrNull(raw['end_index']),
    raw,
    of: 'openai-responses',
  };
}

/** Null for a source that is not on the web and not this dialect's. */
export function writeAnnotation(annotation: Annotation): JsonRecord | null {
  if (annotation.of === 'openai-responses') return annotation.raw;
  if (annotation.url === null) return null;
  return {
    type: 'url_citation',
    url: annotation.url,
    title: annotation.title ?? '',
    start_index: annotation.from ?? 0,
    end_index: annotation.to ?? annotation.from ?? 0,
  };
}

/** Tolerant: what is no log probability is left out. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((entry) => ({
    ...readToken(entry),
    top: Array.isArray(entry['top_logprobs']) ? entry['top_logprobs'].filter(isRecord).map(readToken) : [],
  }));
}

export function writeLogprob({ token, logprob, bytes, top }: TokenLogprob): JsonRecord {
  return {
    token,
    logprob,
    bytes: bytes ?? [],
    top_logprobs: top.map((other) => ({ token: other.token, logprob: other.logprob, bytes: other.bytes ?? [] })),
  };
}

function readToken(entry: JsonRecord): { token: string; logprob: number; bytes: readonly number[] | null } {
  const bytes: unknown = entry['bytes'];
  return {
    token: stringOrNull(entry['token']) ?? '',
    logprob: numberOrNull(entry['logprob']) ?? 0,
    bytes: Array.isArray(bytes) && bytes.every((byte) => typeof byte === 'number') ? bytes : null,
  };
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
