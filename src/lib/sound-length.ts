/**
 * How long a file of sound lasts, as far as its first or last bytes tell without decoding it: WAV,
 * FLAC, Ogg, MP4 and MP3 of an even bitrate. Headers are whatever their sender wrote: for estimates.
 */

/** Speech at 64 kbit/s: what is not told is rather taken for too long than for too short. */
const USUAL_BYTES_A_SECOND = 8000;
/** Longer than anything that a provider takes; a bound for numbers that a header makes up. */
const SECONDS_MAX = 1_000_000;

/** Milliseconds: as the file's own format tells them, else as its size does at a usual bitrate. */
export function soundMs(file: Buffer): number {
  const read = READERS.find(({ magic, at }) => file.toString('latin1', at, at + magic.length) === magic)?.read;
  const told = read?.(file) ?? evenMp3(file);
  const isTold = told !== null && told > 0 && told <= SECONDS_MAX;
  return Math.ceil((isTold ? told : file.length / USUAL_BYTES_A_SECOND) * 1000);
}

/** Seconds, or null where the format does not tell; what stands past the end is read as nothing. */
type Reader = (file: Buffer) => number | null;

const READERS: readonly { readonly magic: string; readonly at: number; readonly read: Reader }[] = [
  { magic: 'WAVE', at: 8, read: wav },
  { magic: 'fLaC', at: 0, read: flac },
  { magic: 'OggS', at: 0, read: ogg },
  { magic: 'ftyp', at: 4, read: mp4 },
];

/** Chunks behind the first twelve bytes, each at an even place. What writes as it records does not know the size. */
function wav(file: Buffer): number | null {
  let bytesASecond = 0;
  for (let at = 12; at + 8 <= file.length;) {
    const size = file.readUInt32LE(at + 4);
    const name = file.toString('latin1', at, at + 4);
    if (name === 'data') return Math.min(size, file.length - at - 8) / bytesASecond;
    if (name === 'fmt ' && at + 24 <= file.length) {
      const channels = file.readUInt16LE(at + 10);
      bytesASecond = (file.readUInt32LE(at + 12) * channels * file.readUInt16LE(at + 22)) / 8;
    }
    at += 8 + size + (size % 2);
  }
  return null;
}

/** RFC 9639 §8.2: 20 bits of rate; of the 36 bits of samples the lower 32, which is hours. */
function flac(file: Buffer): number | null {
  if (file.length < 26) return null;
  return file.readUInt32BE(22) / (file.readUIntBE(18, 3) >> 4);
}

/** RFC 3533: the last page tells where it ends, for Opus in 48 kHz (RFC 7845 §4), for Vorbis in its own rate. */
function ogg(file: Buffer): number | null {
  const last = file.lastIndexOf('OggS');
  if (file.length < last + 14 || file.length < 44) return null;
  const kind = file.toString('latin1', 28, 36);
  const rate = kind === 'OpusHead' ? 48_000 : kind.startsWith('\u0001vorbis') ? file.readUInt32LE(40) : 0;
  return Number(file.readBigUInt64LE(last + 6)) / rate;
}

/** ISO/IEC 14496-12 §8.2.2: the movie header tells units a second, and how many of them there are. */
function mp4(file: Buffer): number | null {
  const at = file.indexOf('mvhd') + 4;
  if (at < 4 || at + 32 > file.length) return null;
  if (file[at] === 1) return Number(file.readBigUInt64BE(at + 24)) / file.readUInt32BE(at + 20);
  return file.readUInt32BE(at + 16) / file.readUInt32BE(at + 12);
}

/** kbit/s of layer III, by the index that a frame has: ISO/IEC 11172-3 §2.4.2.3, and 13818-3 for lower rates. */
const KBITS_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBITS_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/** As though all frames were as the first one, behind the tags (ID3v2 §3.1: seven bits of the size to a byte). */
function evenMp3(file: Buffer): number | null {
  const tags = file.toString('latin1', 0, 3) === 'ID3' && file.length >= 10 ? 10 + sevenBits(file.readUInt32BE(6)) : 0;
  if (tags + 4 > file.length) return null;
  const head = file.readUInt16BE(tags);
  // Eleven bits of a frame's beginning, the version, and layer III.
  if (head >> 5 !== 0x7ff || (head & 0b110) !== 0b010) return null;
  const kbits = ((head & 0b1_1000) === 0b1_1000 ? KBITS_1 : KBITS_2)[file.readUInt8(tags + 2) >> 4] ?? 0;
  return (file.length - tags) / (kbits * 125);
}

function sevenBits(size: number): number {
  return ((size >> 3) & 0xfe00000) | ((size >> 2) & 0x1fc000) | ((size >> 1) & 0x3f80) | (size & 0x7f);
}
