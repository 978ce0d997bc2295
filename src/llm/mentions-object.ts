const SPACE = 0x20;
const QUOTE = 0x22;
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

/** Whether the bytes hold a member of this name with this text as its value (both given in quotes). */
export function mentionsText(bytes: Buffer, quotedName: string, quotedText: string): boolean {
  for (let at = bytes.indexOf(quotedName); at >= 0; at = bytes.indexOf(quotedName, at)) {
    at += quotedName.length;
    while (isFiller(bytes[at])) at++;
    if (bytes.toString('latin1', at, at + quotedText.length) === quotedText) return true;
  }
  return false;
}

/** Where the value of the last member of this name (given in quotes) stands that is a text and not empty; or -1. */
export function lastMentionOfText(bytes: Buffer, quotedName: string): number {
  for (let at = bytes.lastIndexOf(quotedName); at >= 0; at = bytes.lastIndexOf(quotedName, at - 1)) {
    let value = at + quotedName.length;
    while (isFiller(bytes[value])) value++;
    if (bytes[value] === QUOTE && bytes[value + 1] !== QUOTE) return value;
    if (at === 0) return -1;
  }
  return -1;
}

/** A colon, or white space around it; also line ends, for JSON over several `data:` lines is not worth a no. */
function isFiller(byte: number | undefined): boolean {
  return byte !== undefined && (byte <= SPACE || byte === COLON);
}
