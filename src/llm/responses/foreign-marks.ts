/** What we put into answers, and OpenAI does not understand when it comes back. */

const MARKS = ['"kw1.', '"kwredacted.', '_kwsig_', '"msg_kw', '"fc_kw', '"ctc_kw', '"rs_kw', '"ig_kw'] as const;

/**
 * Whether a request of this dialect may hold marks of ours (signatures of other makers, ids of items that
 * OpenAI did not make): then its bytes must not pass to OpenAI as they are, but be read and written.
 * Native search only; may say yes too often, never no wrongly.
 */
export function mayHoldForeignMarks(body: Buffer): boolean {
  return MARKS.some((mark) => body.includes(mark));
}
