const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Makes request ids: `req_` + 8 characters of time + 8 of the maker + 4 of a counter, base62. They
 * sort by time, are unique over makers (8 random characters) and cost no random bytes per call.
 */
export function createRequestIds(now: () => number): () => string {
  const maker = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => DIGITS[byte % 62]).join('');
  let counter = 0;
  let timeMs = -1;
  let timeText = '';
  return () => {
    const nowMs = now();
    if (nowMs !== timeMs) {
      timeMs = nowMs;
      timeText = base62(nowMs, 8);
    }
    counter = (counter + 1) % 14_776_336;
    return `req_${timeText}${maker}${base62(counter, 4)}`;
  };
}

function base62(value: number, width: number): string {
  let rest = value;
  let text = '';
  for (let place = 0; place < width; place++) {
    text = DIGITS.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
