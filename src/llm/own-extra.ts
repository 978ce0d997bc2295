import type { DialectName } from './dialect.ts';
import type { JsonRecord } from './record.ts';
import { isRecord } from './record.ts';
import type { Report } from './report.ts';

/** Whose other members these are, and whom they would be sent to. */
export interface ExtraOwner {
  readonly extraOf: DialectName;
  readonly dialect: DialectName;
  readonly report: Report;
}

/**
 * Other members of a request (`path` is empty), message, part or tool that may go out: all to the
 * dialect that they are of, else none, each reported.
 */
export function ownExtra(extra: JsonRecord | undefined, path: string, owner: ExtraOwner): JsonRecord {
  if (extra === undefined) return {};
  if (owner.extraOf === owner.dialect) return extra;
  reportExtra(extra, path, owner);
  return {};
}

/** Reports each of the members, but for those whose loss changes nothing. */
export function reportExtra(
  extra: JsonRecord | undefined,
  path: string,
  { extraOf, report }: Pick<ExtraOwner, 'extraOf' | 'report'>,
): void {
  for (const [name, value] of Object.entries(extra ?? {})) {
    const isIdle = path === '' ? isIdleSetting(name, value) : isIdleMember(extraOf, name, value);
    if (!isIdle) report.dropped(path === '' ? name : `${path}.${name}`, 'the provider has no such member');
  }
}

/** What clients send of habit although it only asks for what is done anyway, or steers their own provider's cache. */
function isIdleSetting(name: string, value: unknown): boolean {
  switch (name) {
    case 'store':
      return value === false;
    case 'service_tier':
      return value === 'auto' || value === 'default';
    case 'include':
      return Array.isArray(value) && value.every((item) => item === 'reasoning.encrypted_content');
    // `include_obfuscation` is all that is left of them.
    case 'stream_options':
    case 'client_metadata':
    case 'prompt_cache_options':
    case 'prompt_cache_retention':
      return true;
    default:
      return isNothing(value);
  }
}

/** What clients send back of an answer although it says nothing to anybody but its maker. */
function isIdleMember(extraOf: DialectName, name: string, value: unknown): boolean {
  if (isNothing(value)) return true;
  if (extraOf === 'openai-responses')
    return ITEM_MARKS.has(name) || (name === 'message' && isRecord(value) && Object.keys(value).every(isItemMark));
  // Who called a tool: the model itself.
  return extraOf === 'anthropic' && name === 'caller' && isRecord(value) && value['type'] === 'direct';
}

const ITEM_MARKS: ReadonlySet<string> = new Set(['id', 'status', 'phase']);

function isItemMark(name: string): boolean {
  return ITEM_MARKS.has(name);
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
