/** `groundingMetadata` (https://ai.google.dev/api/generate-content#GroundingMetadata) to and from annotations. */
import type { Annotation } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf } from '../record.ts';
import { bytesOfUnits, unitsOfBytes } from './text-offsets.ts';

/** Which sources belong to a text. */
export interface TextPlace {
  /** Whether a part number of Google's means this text. */
  isOfText(partIndex: number): boolean;
  /** Whether sources that no text names are told with this one. */
  readonly withUncited: boolean;
}

/** The sources that a text rests on. */
export function annotationsOf(metadata: unknown, text: string, place: TextPlace): readonly Annotation[] {
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
  const source = recordOf(Object.values(chunk).find((value) => isRecord(value) && typeof value['uri'] === 'string'));
  const [start = 0, end = 0] = segment === null ? [] : placesOf(segment);
  const from = segment === null ? undefined : units.get(start);
  const to = segment === null ? undefined : units.get(end);
  const isPlaced = from !== undefined && to !== undefined && to > from;
  return {
    url: typeof source['uri'] === 'string' ? source['uri'] : null,
    title: typeof source['title'] === 'string' ? source['title'] : null,
    from: isPlaced ? from : null,
    to: isPlaced ? to : null,
    raw: segment === null ? chunk : { ...chunk, segment },
    of: 'gemini',
  };
}

/** What was said of the sources of one part. */
export interface AnnotatedText {
  readonly partIndex: number;
  readonly text: string;
  readonly annotations: readonly Annotation[];
}

/** The member of a candidate, or nothing where no text has a source. */
export function groundingMember(texts: readonly AnnotatedText[]): JsonRecord {
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

function chunkOf({ of, raw, url, title }: Annotation): JsonRecord {
  if (of === 'gemini') {
    const { segment: _, ...chunk } = raw;
    return chunk;
  }
  return { web: { ...(url === null ? {} : { uri: url }), ...(title === null ? {} : { title }) } };
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
