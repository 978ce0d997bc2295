/** Calls of other models, which have no signature of Gemini's. */
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** One of `contents`. */
export interface Content {
  /** The caller's other members. */
  readonly extra: JsonRecord;
  readonly role: 'user' | 'model';
  readonly parts: readonly JsonRecord[];
}

/**
 * Gemini 3 refuses the first call of a step in the turn that goes on if it has no signature. For
 * calls that another model made Google names this value instead of one
 * (https://ai.google.dev/gemini-api/docs/thought-signatures, FAQ; Vertex AI takes the same).
 */
const DUMMY_SIGNATURE = 'skip_thought_signature_validator';

/** The contents with the value where Gemini 3 would miss a signature. */
export function withDummySignatures(contents: readonly Content[], report: Report): readonly Content[] {
  const lastAsked = contents.findLastIndex(
    ({ role, parts }) => role === 'user' && parts.some((part) => part['functionResponse'] === undefined),
  );
  return contents.map((content, index) => {
    if (content.role !== 'model' || index < lastAsked) return content;
    const first = content.parts.findIndex((part) => part['functionCall'] !== undefined);
    const call = content.parts[first];
    if (call === undefined || call['thoughtSignature'] !== undefined) return content;
    report.approximated(
      'thought_signature',
      "the call is another model's: it goes with the provider's mark for such calls",
    );
    return { ...content, parts: content.parts.with(first, { ...call, thoughtSignature: DUMMY_SIGNATURE }) };
  });
}
