import fc from 'fast-check';
import { expect, test } from 'vitest';
import { soundMs } from './sound-length.ts';

function wav(seconds: number, { told = seconds, before = Buffer.alloc(0) } = {}): Buffer {
  const head = Buffer.alloc(36);
  head.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(16_000, 24);
  // What decoders do not go by.
  head.writeUInt32LE(999_999_999, 28);
  head.writeUInt16LE(16, 34);
  const size = Buffer.alloc(8);
  size.write('data', 0, 'latin1');
  size.writeUInt32LE(told * 64_000, 4);
  return Buffer.concat([head, before, size, Buffer.alloc(seconds * 64_000)]);
}

function flac(): Buffer {
  const file = Buffer.alloc(4000);
  file.write('fLaC', 0, 'latin1');
  file.writeUIntBE(44_100 << 4, 18, 3);
  file.writeUInt32BE(44_100 * 7, 22);
  return file;
}

function ogg(codec: string, rate: number): Buffer {
  const page = (granule: bigint): Buffer => {
    const head = Buffer.alloc(28);
    head.write('OggS', 0, 'latin1');
    head.writeBigUInt64LE(granule, 6);
    return head;
  };
  const start = Buffer.alloc(40);
  start.write(codec, 0, 'latin1');
  start.writeUInt32LE(rate, 12);
  return Buffer.concat([page(0n), start, page(BigInt(rate) * 3n), Buffer.alloc(500)]);
}

function mp4(version: 0 | 1): Buffer {
  const file = Buffer.alloc(400);
  file.write('ftypM4A ', 4, 'latin1');
  file.write('mvhd', 300, 'latin1');
  file.writeUInt8(version, 304);
  if (version === 0) file.writeUInt32BE(600, 316);
  else file.writeUInt32BE(600, 324);
  file.writeUInt32BE(600 * 5, version === 0 ? 320 : 332);
  return file;
}

/** MPEG 1 or 2, layer III, at an index of its table of bitrates. */
function mp3(version: 1 | 2, index: number, tagBytes = 0): Buffer {
  const tag = Buffer.alloc(tagBytes === 0 ? 0 : 10 + tagBytes);
  if (tagBytes > 0) {
    tag.write('ID3', 0, 'latin1');
    tag.writeUInt8(tagBytes >> 7, 8);
    tag.writeUInt8(tagBytes & 0x7f, 9);
  }
  const frames = Buffer.alloc(16_000);
  frames.writeUInt16BE(version === 1 ? 0xfffb : 0xfff3, 0);
  frames.writeUInt8(index << 4, 2);
  return Buffer.concat([tag, frames]);
}

test.each<[string, Buffer, number]>([
  ['WAV', wav(2), 2000],
  ['WAV that was written as it was recorded', wav(2, { told: 60_000 }), 2000],
  ['WAV with notes before the sound', wav(1, { before: Buffer.from('LIST\x03\0\0\0abc\0') }), 1000],
  ['FLAC', flac(), 7000],
  ['Ogg Opus', ogg('OpusHead', 48_000), 3000],
  ['Ogg Vorbis', ogg('\u0001vorbis', 22_050), 3000],
  ['MP4', mp4(0), 5000],
  ['MP4 with long numbers', mp4(1), 5000],
  ['MP3 at 128 kbit/s', mp3(1, 9), 1000],
  ['MP3 at 64 kbit/s behind tags', mp3(2, 8, 300), 2000],
])('%s tells its length', (_, file, ms) => {
  expect(soundMs(file)).toBe(ms);
});

test.each<[string, Buffer]>([
  ['another format', Buffer.concat([Buffer.from('\x1aE\xdf\xa3', 'latin1'), Buffer.alloc(15_996)])],
  ['WAV without its end', wav(1).subarray(0, 36)],
  ['Ogg of another codec', ogg('Speex   ', 8000)],
  ['MP4 in pieces, which says nothing', mp4(0).fill(0, 320, 324)],
  ['MP3 at a bitrate of its own', mp3(1, 0)],
  ['a header of nothing', Buffer.from('fLaC')],
])('%s is measured by its size', (_, file) => {
  expect(soundMs(file)).toBe(Math.ceil(file.length / 8));
});

test('no bytes make it throw, or tell anything but a whole number from nothing to the bound', () => {
  const starts = ['RIFF\0\0\0\0WAVEfmt ', 'fLaC', 'OggS', '\0\0\0\0ftypmvhd', 'ID3', '\xff\xfb', ''];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 80 }), (start, rest) => {
      const ms = soundMs(Buffer.concat([Buffer.from(start, 'latin1'), rest]));
      expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= 1e9).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
