/**
 * `groundingMetadata` (https://ai.google.dev/api/generate-content#GroundingMetadata) and
 * `citationMetadata` to and from annotations.
 */
import type { Annotation } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import { bytesOfUnits, unitsOfBytes } from './text-offsets.ts';

/** Which sources belong to a text. */
export interface TextPlace {
  /** Whether a part number of Google's means this text. */
  isOfText(partIndex: number): boolean;
  /** Whether sources that no text names are told with this one. */
  readonly withUncited: boolean;
}

/** The sources that a text of the candidate rests on. */
export function annotationsOf(candidate: JsonRecord, text: string, place: TextPlace): readonly Annotation[] {
  const recited = place.withUncited ? recitedOf(candidate['citationMetadata'], text) : [];
  return [...groundsOf(candidate['groundingMetadata'], text, place), ...recited];
}

/** What stands elsewhere word for word; its places are the answer's. Vertex calls the list `citations`. */
function recitedOf(metadata: unknown, text: string): readonly Annotation[] {
  const { citationSources, citations } = recordOf(metadata);
  const list = citationSources ?? citations;
  const sources = Array.isArray(list) ? list.filter(isRecord) : [];
  const units = unitsOfBytes(text, sources.flatMap(placesOf));
  return sources.map((source) => ({
    url: typeof source['uri'] === 'string' ? source['uri'] : null,
    title: typeof source['title'] === 'string' ? source['title'] : null,
    ...placed(source, units),
    raw: { citationSource: source },
    of: 'gemini',
  }));
}

function groundsOf(metadata: unknown, text: string, place: TextPlace): readonly Annotation[] {
  const { groundingChunks, groundingSupports } = recordOf(metadata);
  if (!Array.isArray(groundingChunks)) return [];
  const all = (Array.isArray(groundingSupports) ? groundingSupports : []).map(recordOf);
  const supports = all.filter(({ segment }) => place.isOfText(countOf(recordOf(segment)['partIndex']) ?? 0));
  const units = unitsOfBytes(
    text,
    supports.flatMap(({ segment }) => placesOf(recordOf(segment))),
  );
  const cited = supports.flatMap((support) => citedBy(support, groundingChunks, units));
  if (!place.withUncited) return cited;
  const used = new Set(all.flatMap(indicesOf));
  const others = groundingChunks.flatMap((chunk, index) =>
    used.has(index) || !isRecord(chunk) ? [] : [annotation(chunk, null, units)],
  );
  return [...cited, ...others];
}

function citedBy(
  support: JsonRecord,
  chunks: readonly unknown[],
  units: ReadonlyMap<number, number>,
): readonly Annotation[] {
  return indicesOf(support).flatMap((index) => {
    const chunk = chunks[index];
    return isRecord(chunk) ? [annotation(chunk, recordOf(support['segment']), units)] : [];
  });
}

function indicesOf({ groundingChunkIndices }: JsonRecord): readonly number[] {
  const indices: readonly unknown[] = Array.isArray(groundingChunkIndices) ? groundingChunkIndices : [];
  return indices.map(countOf).filter((index) => index !== null);
}

/** A start of 0 is left out, as zeros are everywhere in Google's JSON. */
function placesOf({ startIndex, endIndex }: JsonRecord): readonly number[] {
  return [countOf(startIndex) ?? 0, countOf(endIndex) ?? 0];
}

function annotation(chunk: JsonRecord, segment: JsonRecord | null, units: ReadonlyMap<number, number>): Annotation {
  const source = recordOf(Object.values(chunk).find(isRecord));
  return {
    url: typeof source['uri'] === 'string' ? source['uri'] : null,
    title: typeof source['title'] === 'string' ? source['title'] : null,
    ...(segment === null ? NOWHERE : placed(segment, units)),
    ...(typeof source['text'] === 'string' && { quote: source['text'] }),
    raw: segment === null ? chunk : { ...chunk, segment },
    of: 'gemini',
  };
}

const NOWHERE = { from: null, to: null };

function placed(segment: JsonRecord, units: ReadonlyMap<number, number>): Pick<Annotation, 'from' | 'to'> {
  const [from, to] = placesOf(segment).map((place) => units.get(place));
  return from !== undefined && to !== undefined && to > from ? { from, to } : NOWHERE;
}

/** What was said of the sources of one part. */
export interface AnnotatedText {
  readonly partIndex: number;
  readonly text: string;
  readonly annotations: readonly Annotation[];
}

/** The members of a candidate that tell sources, or nothing where no text has any. */
export function sourceMembers(texts: readonly AnnotatedText[], field: string, report: Report): JsonRecord {
  const all = texts.flatMap(({ annotations }) => annotations);
  if (all.some(isUnnamed)) report.dropped(`${field}.groundingMetadata`, 'a source without a name says nothing');
  const citationSources = all.flatMap(({ raw, of }) => (of === 'gemini' ? (raw['citationSource'] ?? []) : []));
  return {
    ...groundingMember(
      texts.map((text) => ({ ...text, annotations: text.annotations.filter((each) => !isElsewhere(each)) })),
    ),
    ...(citationSources.length === 0 ? {} : { citationMetadata: { citationSources } }),
  };
}

/** Told without a grounding. */
function isElsewhere(annotation: Annotation): boolean {
  return isUnnamed(annotation) || (annotation.of === 'gemini' && annotation.raw['citationSource'] !== undefined);
}

function isUnnamed({ of, url, title }: Annotation): boolean {
  return of !== 'gemini' && url === null && title === null;
}

function groundingMember(texts: readonly AnnotatedText[]): JsonRecord {
  const chunks: JsonRecord[] = [];
  const places = new Map<string, number>();
  const supports = texts.flatMap(({ partIndex, text, annotations }) => {
    const bytes = bytesOfUnits(
      text,
      annotations.flatMap(({ from, to }) => [from ?? 0, to ?? 0]),
    );
    return annotations.flatMap((each) => {
      const index = placeOf(chunkOf(each), chunks, places);
      return each.from === null || each.to === null
        ? []
        : [{ segment: segmentOf(each, partIndex, text, bytes), groundingChunkIndices: [index] }];
    });
  });
  if (chunks.length === 0) return {};
  const groundingSupports = supports.length === 0 ? {} : { groundingSupports: supports };
  return { groundingMetadata: { groundingChunks: chunks, ...groundingSupports } };
}

function chunkOf({ of, raw, url, title, quote }: Annotation): JsonRecord {
  if (of === 'gemini') {
    const { segment: _, ...chunk } = raw;
    return chunk;
  }
  const named = title === null ? {} : { title };
  if (url !== null) return { web: { uri: url, ...named } };
  return { retrievedContext: { ...named, ...(quote === undefined ? {} : { text: quote }) } };
}

function placeOf(chunk: JsonRecord, chunks: JsonRecord[], places: Map<string, number>): number {
  const key = JSON.stringify(chunk);
  const known = places.get(key);
  if (known !== undefined) return known;
  places.set(key, chunks.length);
  return chunks.push(chunk) - 1;
}

function segmentOf(
  { from, to }: Annotation,
  partIndex: number,
  text: string,
  bytes: ReadonlyMap<number, number>,
): JsonRecord {
  return {
    ...(partIndex === 0 ? {} : { partIndex }),
    startIndex: bytes.get(from ?? 0) ?? 0,
    endIndex: bytes.get(to ?? 0) ?? 0,
    text: text.slice(from ?? 0, to ?? 0),
  };
}
