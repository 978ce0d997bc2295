/** CRC-32 (the one of ISO-HDLC, zip and PNG: reflected polynomial 0xEDB88320). */

const TABLE = buildTable();

/** What a running checksum begins with. */
export const CRC32_START = -1;

/** A running checksum with one more byte. */
export function addToCrc32(running: number, byte: number): number {
  return (running >>> 8) ^ (TABLE[(running ^ byte) & 0xff] ?? 0);
}

/** A running checksum as the unsigned number that is written down. */
export function finishCrc32(running: number): number {
  return ~running >>> 0;
}

/** Checksum of an ASCII text. */
export function crc32(text: string): number {
  let running = CRC32_START;
  for (let i = 0; i < text.length; i += 1) running = addToCrc32(running, text.charCodeAt(i));
  return finishCrc32(running);
}

function buildTable(): Int32Array {
  const table = new Int32Array(256);
  for (let n = 0; n < 256; n += 1) {
    let value = n;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    table[n] = value;
  }
  return table;
}
