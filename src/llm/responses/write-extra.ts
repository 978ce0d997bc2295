/** Members that no canonical field stands for. */
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** Reports what another dialect's message, part or tool says beside the canonical fields. */
export function reportExtra(extra: JsonRecord | undefined, path: string, report: Report): void {
  for (const name of Object.keys(extra ?? {}))
    report.dropped(path === '' ? name : `${path}.${name}`, 'OpenAI Responses has no such member');
}
