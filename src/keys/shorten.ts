/** How much is kept of a value that is too long. */
export interface Shortening {
  readonly entriesMax: number;
  readonly charactersMax: number;
}

/** From the mildest to the hardest. */
export const SHORTENINGS: readonly Shortening[] = [
  { entriesMax: 500, charactersMax: 512 },
  { entriesMax: 50, charactersMax: 256 },
  { entriesMax: 10, charactersMax: 128 },
  { entriesMax: 3, charactersMax: 64 },
];

/** What nests deeper is dropped; nothing that this program writes does. */
const DEPTH_MAX = 8;
/** Members of an object that are kept: more than any object of this program has. */
const MEMBERS_MAX = 40;

/** JSON data with its lists, texts and objects cut. */
export function shorten(value: unknown, shortening: Shortening, depth = 0): unknown {
  if (typeof value === 'string') return value.slice(0, shortening.charactersMax);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return null;
  if (Array.isArray(value)) {
    return value.slice(0, shortening.entriesMax).map((entry) => shorten(entry, shortening, depth + 1));
  }
  const members = Object.entries(value).slice(0, MEMBERS_MAX);
  return Object.fromEntries(members.map(([name, inner]) => [name.slice(0, 64), shorten(inner, shortening, depth + 1)]));
}
