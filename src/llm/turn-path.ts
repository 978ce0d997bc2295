/** Where the caller finds a turn, and a part of it: the fields that reports and faults name. */
import type { ChatRequest, MediaPart, Part } from './canonical.ts';

/** The member that holds the conversation. */
export function conversationField({ extraOf }: Pick<ChatRequest, 'extraOf'>): string {
  if (extraOf === 'gemini') return 'contents';
  return extraOf === 'openai-responses' ? 'input' : 'messages';
}

/**
 * The turn's field, for example `messages[2]`. Instructions that the caller's dialect keeps apart are
 * named by their own member. Turns of several items (Responses) or messages (results of Chat
 * Completions) make it the turn's number, which is near.
 */
export function turnField(request: ChatRequest, index: number): string {
  const apart = request.turns[0]?.role === 'system' ? APART.get(request.extraOf) : undefined;
  if (apart !== undefined && index === 0) return apart;
  return `${conversationField(request)}[${apart === undefined ? index : index - 1}]`;
}

const APART: ReadonlyMap<string, string> = new Map([
  ['anthropic', 'system'],
  ['gemini', 'systemInstruction'],
  ['openai-responses', 'instructions'],
]);

/** The field of a part of the turn at `field`. */
export function partField({ extraOf }: Pick<ChatRequest, 'extraOf'>, field: string, index: number): string {
  if (field === 'instructions') return field;
  if (field === 'system') return `${field}[${index}]`;
  return `${field}.${extraOf === 'gemini' ? 'parts' : 'content'}[${index}]`;
}

/** Images, documents, sound and film of a conversation, each with its field; those of a tool's result with the result's. */
export function* mediaOf(request: ChatRequest): Generator<{ readonly part: MediaPart; readonly field: string }> {
  for (const [at, { parts }] of request.turns.entries()) {
    for (const [index, part] of parts.entries()) {
      const field = partField(request, turnField(request, at), index);
      const inside = part.kind === 'tool_result' ? part.parts : [part];
      yield* inside.filter(isMedia).map((medium) => ({ part: medium, field }));
    }
  }
}

export function isMedia(part: Part): part is MediaPart {
  return part.kind === 'image' || part.kind === 'file' || part.kind === 'audio' || part.kind === 'video';
}
