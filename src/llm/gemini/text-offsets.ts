/** Google counts places in a text in bytes of UTF-8, we count UTF-16 units. */

type Counting = 'bytes' | 'units';

/** For each place in bytes the place in units; places beyond the text have none. Linear in text and places. */
export function unitsOfBytes(text: string, places: readonly number[]): ReadonlyMap<number, number> {
  return placesIn(text, places, 'bytes');
}

/** For each place in units the place in bytes. */
export function bytesOfUnits(text: string, places: readonly number[]): ReadonlyMap<number, number> {
  return placesIn(text, places, 'units');
}

/** A place inside a character counts as the character's start. */
function placesIn(text: string, places: readonly number[], given: Counting): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const rising = [...new Set(places)].sort((a, b) => b - a);
  const at = { bytes: 0, units: 0 };
  const other = given === 'bytes' ? 'units' : 'bytes';
  const findBelow = (end: number): void => {
    for (let place = rising.at(-1); place !== undefined && place < end; place = rising.at(-1)) {
      found.set(place, at[other]);
      rising.pop();
    }
  };
  while (at.units < text.length && rising.length > 0) {
    const width = widthAt(text, at.units);
    findBelow(at[given] + width[given]);
    at.bytes += width.bytes;
    at.units += width.units;
  }
  findBelow(at[given] + 1);
  return found;
}

function widthAt(text: string, index: number): Readonly<Record<Counting, number>> {
  const code = text.codePointAt(index) ?? 0;
  if (code > 0xffff) return { bytes: 4, units: 2 };
  if (code < 0x80) return { bytes: 1, units: 1 };
  return { bytes: code < 0x800 ? 2 : 3, units: 1 };
}
