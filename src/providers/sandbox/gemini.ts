import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import type { Prompt, ToolChoice } from './prompt.ts';
import { listOf, promptOf, textsOf, toolOf } from './prompt.ts';
import type { Reply } from './reply.ts';

/** Reads a request of `generateContent`; null if it has no contents. */
export function readContents(body: JsonRecord): Prompt | null {
  if (!Array.isArray(body['contents'])) return null;
  const turns = body['contents'].map((value: unknown) => {
    const content = recordOf(value);
    // A content without a role is the user's.
    return { fromUser: (content['role'] ?? 'user') === 'user', texts: textsOf(content['parts']) };
  });
  const tools = listOf(body['tools']).flatMap((value) =>
    listOf(recordOf(value)['functionDeclarations']).flatMap((declared) => {
      const { name, parameters, parametersJsonSchema } = recordOf(declared);
      return toolOf(name, parameters ?? parametersJsonSchema);
    }),
  );
  const system = { fromUser: false, texts: textsOf(recordOf(body['systemInstruction'])['parts']) };
  const choice = toolChoice(recordOf(recordOf(body['toolConfig'])['functionCallingConfig']));
  return promptOf([system, ...turns], tools, choice);
}

function toolChoice({ mode, allowedFunctionNames }: JsonRecord): ToolChoice {
  if (mode === 'NONE') return 'none';
  if (mode !== 'ANY') return 'auto';
  const [name] = listOf(allowedFunctionNames);
  return typeof name === 'string' ? { name } : 'any';
}

/** A whole answer of `generateContent`. */
export function contentsAnswer(reply: Reply): string {
  return JSON.stringify(partOf(reply, lastParts(reply, reply.text), true));
}

/** The answers of `streamGenerateContent`, each as JSON. */
export function* contentsParts(reply: Reply, pieces: Iterable<string>): Generator<string> {
  if (reply.toolCall === null)
    for (const piece of pieces) yield JSON.stringify(partOf(reply, [{ text: piece }], false));
  yield JSON.stringify(partOf(reply, lastParts(reply, ''), true));
}

function lastParts({ toolCall }: Reply, text: string): readonly JsonRecord[] {
  if (toolCall === null) return [{ text }];
  return [{ functionCall: { name: toolCall.name, args: JSON.parse(toolCall.args) as unknown } }];
}

/** Google tells STOP after a tool call, too, and usage so far with every part. */
function partOf(reply: Reply, parts: readonly JsonRecord[], last: boolean): JsonRecord {
  const { inputTokens, outputTokens } = reply;
  const output = last ? { candidatesTokenCount: outputTokens } : {};
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(last ? { finishReason: 'STOP' } : {}), index: 0 }],
    usageMetadata: {
      promptTokenCount: inputTokens,
      ...output,
      totalTokenCount: inputTokens + (last ? outputTokens : 0),
    },
    modelVersion: reply.model,
    responseId: reply.id,
  };
}

/** With `alt=sse`: events, their lines ended by CRLF as Google does. */
export function* asEvents(parts: Iterable<string>): Generator<string> {
  for (const part of parts) yield `data: ${part}\r\n\r\n`;
}

/** Without it: one JSON array, element by element. */
export function* asArray(parts: Iterable<string>): Generator<string> {
  let before = '[';
  for (const part of parts) {
    yield before + part;
    before = ',\r\n';
  }
  yield ']';
}
