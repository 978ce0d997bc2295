import type { DialectName } from './dialect.ts';
import type { JsonRecord } from './record.ts';
import type { Report } from './report.ts';

/** Whose other members these are, and whom they would be sent to. */
export interface ExtraOwner {
  readonly extraOf: DialectName;
  readonly dialect: DialectName;
  readonly report: Report;
}

/** Other members of a request, message, part or tool that may go out: all to the dialect that they are of, else none, each reported. */
export function ownExtra(extra: JsonRecord | undefined, path: string, owner: ExtraOwner): JsonRecord {
  if (extra === undefined) return {};
  if (owner.extraOf === owner.dialect) return extra;
  for (const [name, value] of Object.entries(extra))
    if (value !== null && value !== undefined)
      owner.report.dropped(path + name, 'the format of the provider has no such field');
  return {};
}
