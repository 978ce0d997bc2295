import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';

/** What the sandbox reads out of a request of any dialect. */
export interface Prompt {
  /** All text of the request, for counting. */
  readonly texts: readonly string[];
  /** The last text that the user wrote. */
  readonly userText: string;
  /** Whether that text came last, so that a tool's result does not ask for the tool again. */
  readonly userSpokeLast: boolean;
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
}

export interface Tool {
  readonly name: string;
  /** JSON Schema of its arguments. */
  readonly schema: JsonRecord;
}

/** `auto`: called when the user asks for it. */
export type ToolChoice = 'none' | 'auto' | 'any' | { readonly name: string };

/** One message, whatever its dialect: who speaks, and the texts in it. */
export interface Turn {
  readonly fromUser: boolean;
  readonly texts: readonly string[];
}

/** Puts a prompt together from the turns of a conversation. */
export function promptOf(turns: readonly Turn[], tools: readonly Tool[], toolChoice: ToolChoice): Prompt {
  const lastUserTurn = turns.findLast(saysSomething);
  return {
    texts: turns.flatMap(({ texts }) => texts),
    userText: lastUserTurn?.texts.join('\n') ?? '',
    userSpokeLast: lastUserTurn !== undefined && lastUserTurn === turns.at(-1),
    tools,
    toolChoice,
  };
}

function saysSomething(turn: Turn): boolean {
  return turn.fromUser && turn.texts.length > 0;
}

/** The texts of a content that is a string, or parts of which some have a text. */
export function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  return listOf(content).flatMap((part) => {
    const text = typeof part === 'string' ? part : recordOf(part)['text'];
    return typeof text === 'string' ? [text] : [];
  });
}

/** The value as a list; anything else is an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The tool of a definition, if it has a name. */
export function toolOf(name: unknown, schema: unknown): Tool[] {
  return typeof name === 'string' && name !== '' ? [{ name, schema: recordOf(schema) }] : [];
}
