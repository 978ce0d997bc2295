import type { ChatRequest, Tool } from './canonical.ts';
import type { Report } from './report.ts';

/** The tools of a request for a format that cannot allow some of them only: the others are left out. */
export function allowedTools({ tools, toolChoice }: ChatRequest, report: Report): readonly Tool[] {
  if (toolChoice?.kind !== 'allowed') return tools;
  report.approximated('tool_choice', 'only the allowed tools are sent');
  const allowed = new Set(toolChoice.names);
  return tools.filter((tool) => allowed.has(tool.kind === 'opaque' ? tool.label : tool.name));
}
