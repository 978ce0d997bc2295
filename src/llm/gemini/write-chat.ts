/** A request to Gemini. The model and the kind of answer stand in the path. */
import type { ChatRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf, within } from '../record.ts';
import type { Report } from '../report.ts';
import { writeConfig } from './write-config.ts';
import { writeContents } from './write-contents.ts';
import { writeToolChoice, writeTools } from './write-tools.ts';

/** The body for `generateContent` and `streamGenerateContent`. */
export function writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const extra = ownExtra(request.extra, '', { extraOf: request.extraOf, dialect: 'gemini', report });
  const config = writeConfig(request, target, report);
  const thinking = { ...under(extra, THINKING), ...recordOf(config['thinkingConfig']) };
  const generationConfig = { ...under(extra, CONFIG), ...config, ...within('thinkingConfig', thinking) };
  const calling = { ...under(extra, CALLING), ...writeToolChoice(request, report) };
  const toolConfig = { ...under(extra, TOOL), ...within('functionCallingConfig', calling) };
  return {
    ...Object.fromEntries(Object.entries(extra).filter(([name]) => !PATHS.some((path) => name.startsWith(path)))),
    ...writeContents(request, target.name, report),
    ...writeTools(request, report),
    ...within('toolConfig', toolConfig),
    ...within('generationConfig', generationConfig),
  };
}

/** How a Gemini caller's other members inside an object are named in `extra`: by their path. */
const CONFIG = 'generationConfig.';
const THINKING = 'generationConfig.thinkingConfig.';
const TOOL = 'toolConfig.';
const CALLING = 'toolConfig.functionCallingConfig.';
const PATHS = [CONFIG, TOOL];
const DEEPER = [THINKING, CALLING];

/** The members whose names begin with the path, without it. */
function under(extra: JsonRecord, path: string): JsonRecord {
  const deeper = DEEPER.filter((other) => other.length > path.length);
  return Object.fromEntries(
    Object.entries(extra)
      .filter(([name]) => name.startsWith(path) && !deeper.some((other) => name.startsWith(other)))
      .map(([name, value]) => [name.slice(path.length), value]),
  );
}
