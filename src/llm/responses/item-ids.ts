/**
 * Ids of items. They are not the ids of calls (`call_id`). Where no OpenAI made the item we make its id,
 * marked so that a later request's reading tells it from one that OpenAI may know.
 */
import { digest } from '../call-ids.ts';
import { otherMembers, type JsonRecord } from '../record.ts';

const LENGTH = 30;
const OURS = new RegExp(`^[a-z]{2,4}_kw[A-Za-z0-9]{${LENGTH}}$`);

export type ItemPrefix = 'msg' | 'fc' | 'ctc' | 'rs' | 'ig' | 'it';

/** The id of the item at this place of the answer: the same whenever it is written. */
export function makeItemId(prefix: ItemPrefix, requestId: string, index: number): string {
  return `${prefix}_kw${digest(`${requestId}.${index}`, LENGTH)}`;
}

export function isOurItemId(id: unknown): boolean {
  return typeof id === 'string' && OURS.test(id);
}

const SAYS_NOTHING: ReadonlySet<string> = new Set(['status']);
const SAYS_NOTHING_WITH_ID: ReadonlySet<string> = new Set(['status', 'id']);

/** What an item says beside the named members; our own id and the status (the answer has one) say nothing. */
export function itemExtra(item: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  return otherMembers(otherMembers(item, known), isOurItemId(item['id']) ? SAYS_NOTHING_WITH_ID : SAYS_NOTHING);
}
