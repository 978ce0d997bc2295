/** A conversation as the one prompt that a model at Replicate takes, and its instructions. */
import { reportCacheMark } from '../cache-mark.ts';
import type { ChatRequest, Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { formatInstruction } from '../format-instruction.ts';
import { ownExtra } from '../own-extra.ts';
import type { Report } from '../report.ts';
import { conversationField, partField, turnField } from '../turn-path.ts';

export interface Prompt {
  readonly prompt: string;
  /** Null: there are none. */
  readonly system: string | null;
}

export function writePrompt(request: ChatRequest, report: Report): Prompt {
  const told = request.turns.map((turn, index) => {
    const field = turnField(request, index);
    return { speaker: SPEAKERS[turn.role], text: textOf(turn, field, request, report) };
  });
  const first = told.findIndex(({ speaker }) => speaker !== SPEAKERS.system);
  const spoken = first < 0 ? [] : told.slice(first);
  const format = formatInstruction(request.format);
  if (format !== null) report.approximated('response_format', 'the format is asked for in the instructions');
  const leading = told.slice(0, told.length - spoken.length).map(({ text }) => text);
  const system = [...leading, ...(format === null ? [] : [format])].join('\n\n');
  // Instructions alone are what the model is asked.
  if (spoken.length === 0) return { prompt: system, system: null };
  if (leading.length > 0) reportOptional(turnField(request, 0), report);
  return { prompt: transcript(spoken, request, report), system: system === '' ? null : system };
}

/** Each model has inputs of its own. */
export function reportOptional(field: string, report: Report): void {
  report.approximated(field, 'a model at Replicate that has no such input passes over it');
}

const SPEAKERS = { system: 'System', developer: 'System', user: 'User', assistant: 'Assistant' } as const;

type Spoken = readonly { readonly speaker: string; readonly text: string }[];

function transcript(spoken: Spoken, request: ChatRequest, report: Report): string {
  const said = spoken.filter(({ text }) => text !== '');
  const [only, second] = said;
  if (second === undefined && only?.speaker !== SPEAKERS.assistant) return only?.text ?? '';
  report.approximated(conversationField(request), 'Replicate takes one prompt: the turns are told in it by name');
  const lines = said.map(({ speaker, text }) => `${speaker}: ${text}`);
  // What the model has begun to say itself is for it to go on with.
  if (said.at(-1)?.speaker !== SPEAKERS.assistant) lines.push(`${SPEAKERS.assistant}:`);
  return lines.join('\n\n');
}

function textOf(turn: Turn, field: string, request: ChatRequest, report: Report): string {
  const owner = { extraOf: request.extraOf, dialect: 'replicate', report } as const;
  ownExtra(turn.extra, field, owner);
  if (turn.name !== undefined) report.dropped(`${field}.name`, 'Replicate has no names of participants');
  const texts = turn.parts.flatMap((part, index) => {
    const place = partField(request, field, index);
    ownExtra(part.extra, place, owner);
    reportCacheMark(part, report);
    return partText(part, place, report) ?? [];
  });
  // What the model said in several texts is one.
  return texts.filter((text) => text !== '').join(turn.role === 'assistant' ? '' : '\n\n');
}

/** Null, and reported, where nothing of the part goes on. */
function partText(part: Part, place: string, report: Report): string | null {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return part.text;
    case 'thinking':
      report.dropped(place, 'Replicate takes back no reasoning');
      return null;
    case 'opaque':
      report.dropped(place, 'only its own dialect understands it');
      return null;
    case 'tool_call':
    case 'tool_result':
      throw new RequestFault(place, 'Models at Replicate know of no tools: leave the call and its result out.');
    default:
      throw new RequestFault(place, `Models at Replicate take text only: leave the ${part.kind} out.`);
  }
}
