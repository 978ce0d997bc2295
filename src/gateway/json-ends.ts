const SPACE = 0x20;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Whether a body begins as an object or a list does: enough to tell a page of something in between, and cheap. */
export function beginsJson(body: Buffer | undefined): boolean {
  const first = body?.find((byte) => byte > SPACE);
  return first === OPEN_BRACE || first === OPEN_BRACKET;
}

/** Whether a body that begins so also ends so: one that was cut short seldom does. */
export function endsJson(body: Buffer): boolean {
  const last = body.findLast((byte) => byte > SPACE);
  return last === CLOSE_BRACE || last === CLOSE_BRACKET;
}
