const SPACE = 0x20;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;

/**
 * Whether the bytes hold a member of this name (given in quotes) whose value is an object. Text in
 * a string cannot look like it, because its quotes are escaped.
 */
export function mentionsObject(bytes: Buffer, quotedName: string): boolean {
  for (let at = bytes.indexOf(quotedName); at >= 0; at = bytes.indexOf(quotedName, at)) {
    at += quotedName.length;
    while (isFiller(bytes[at])) at++;
    if (bytes[at] === OPEN_BRACE) return true;
  }
  return false;
}

/** A colon, or white space around it; also line ends, for JSON over several `data:` lines is not worth a no. */
function isFiller(byte: number | undefined): boolean {
  return byte !== undefined && (byte <= SPACE || byte === COLON);
}
