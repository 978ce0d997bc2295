import { crc32 } from 'node:zlib';
import { recordOf } from '../../llm/record.ts';
import type { Behaviour } from './behaviour.ts';
import type { Prompt, Tool } from './prompt.ts';
import { listOf } from './prompt.ts';

/** What the sandbox says, before a dialect gives it its form. */
export interface Reply {
  /** The model as the request named it. */
  readonly model: string;
  /** 16 hexadecimal digits that depend on the request's bytes alone: the same request, the same ids. */
  readonly id: string;
  readonly text: string;
  readonly toolCall: ToolCall | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ToolCall {
  readonly name: string;
  /** JSON text of an object. */
  readonly args: string;
}

const LONG_TEXT = Array.from({ length: 2000 }, (_, index) => `word${index + 1}`).join(' ');
const FIFTY_TEXT = Array.from({ length: 50 }, (_, index) => `word${index + 1}`).join(' ');
const SILENCE = 'You said nothing.';
/** What is searched for the name of a tool, so that a long text and many tools cannot hold up a worker. */
const NAMING = { toolsMax: 128, nameLengthMax: 64, textLengthMax: 16_384 } as const;

/** The reply of a model to a prompt; nothing in it depends on time or on what was asked before. */
export function replyTo(prompt: Prompt, behaviour: Behaviour, model: string, body: Uint8Array): Reply {
  const toolCall = chooseTool(prompt, behaviour);
  const text = toolCall === null ? textOf(prompt, behaviour) : '';
  return {
    model,
    id: idOf(body),
    text,
    toolCall,
    inputTokens: countInput(prompt.texts),
    outputTokens: countTokens(toolCall === null ? text : toolCall.name + toolCall.args),
  };
}

function textOf(prompt: Prompt, behaviour: Behaviour): string {
  if (behaviour.reply === 'long') return LONG_TEXT;
  if (behaviour.reply === 'fifty') return FIFTY_TEXT;
  return prompt.userText === '' ? SILENCE : prompt.userText;
}

/** One token for every four bytes begun, at least one: the same for streams and whole answers. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(Buffer.byteLength(text) / 4));
}

/** {@link countTokens} over several texts as if they were one. */
export function countInput(texts: readonly string[]): number {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return Math.max(1, Math.ceil(bytes / 4));
}

/** Cheap on purpose: this runs in load tests. */
export function idOf(body: Uint8Array): string {
  return (crc32(body).toString(16).padStart(8, '0') + body.length.toString(16).padStart(8, '0')).slice(0, 16);
}

function chooseTool(prompt: Prompt, behaviour: Behaviour): ToolCall | null {
  const tool = behaviour.reply === 'tool' ? prompt.tools[0] : toolAskedFor(prompt);
  return tool === undefined ? null : { name: tool.name, args: JSON.stringify(argumentsFor(tool)) };
}

/** Left the choice, the sandbox calls a tool when the user's last text names it, or says "tool". */
function toolAskedFor({ tools, toolChoice, userText, userSpokeLast }: Prompt): Tool | undefined {
  if (toolChoice === 'none') return undefined;
  if (toolChoice === 'any') return tools[0];
  if (toolChoice !== 'auto') return tools.find(({ name }) => name === toolChoice.name);
  if (!userSpokeLast || tools.length === 0) return undefined;
  const text = userText.slice(0, NAMING.textLengthMax);
  const nameable = tools.slice(0, NAMING.toolsMax).filter(({ name }) => name.length <= NAMING.nameLengthMax);
  return nameable.find(({ name }) => text.includes(name)) ?? (/\btool\b/i.test(text) ? tools[0] : undefined);
}

/** A value for every property that the schema describes. */
function argumentsFor(tool: Tool): Record<string, unknown> {
  const properties = Object.entries(recordOf(tool.schema['properties']));
  return Object.fromEntries(properties.map(([name, schema]) => [name, exampleOf(name, recordOf(schema))]));
}

function exampleOf(name: string, schema: Readonly<Record<string, unknown>>): unknown {
  const [first] = listOf(schema['enum']);
  if (typeof first === 'string' || typeof first === 'number') return first;
  // Google's SDK writes types in capitals.
  switch (String(schema['type']).toLowerCase()) {
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return `example ${name}`;
  }
}

/** Pieces of a text as a stream sends them: word by word, lazily; joined they are the text. */
export function* wordsOf(text: string): Generator<string> {
  for (const [word] of text.matchAll(/\s*\S+|\s+/g)) yield word;
}

/** The text in `count` pieces: single words, and what is left in the last. */
export function piecesOf(text: string, count: number): string[] {
  const words = [...wordsOf(text)];
  return [...words.slice(0, count - 1), words.slice(count - 1).join('')];
}
