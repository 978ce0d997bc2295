/** What we put into answers of other makers, and a provider does not understand when it comes back. */

const FIRST = Buffer.from('kw');
const MARKS = ['"kw1.', '"kwredacted.', '_kwsig_', '"msg_kw', '"fc_kw', '"ctc_kw', '"rs_kw', '"ig_kw'].map((mark) =>
  Buffer.from(mark),
);
/** The envelope as Gemini's clients hold it: bytes, and so in base64. */
const ENVELOPE_BYTES = Buffer.from('"a3cxL');

/**
 * Whether a request may hold marks of ours (signatures of other makers, ids that carry one, ids of
 * items that the provider did not make): then its bytes must not pass as they are, but be read and
 * written. Native search only; may say yes too often, never no wrongly.
 */
export function mayHoldForeignMarks(body: Buffer): boolean {
  if (body.includes(ENVELOPE_BYTES)) return true;
  return body.includes(FIRST) && MARKS.some((mark) => body.includes(mark));
}
