import { expect, test } from 'vitest';
import type { ChatRequest, Turn } from './canonical.ts';
import { partField, turnField } from './turn-path.ts';

const SYSTEM: Turn = { role: 'system', parts: [] };
const USER: Turn = { role: 'user', parts: [] };

test.each([
  ['openai', ['messages[0].content[1]', 'messages[1].content[1]']],
  ['openai-responses', ['instructions', 'input[0].content[1]']],
  ['anthropic', ['system[1]', 'messages[0].content[1]']],
  ['gemini', ['systemInstruction.parts[1]', 'contents[0].parts[1]']],
] as const)('a part is named as a caller of %s finds it', (extraOf, fields) => {
  const request = { extraOf, turns: [SYSTEM, USER] } as unknown as ChatRequest;
  expect([0, 1].map((index) => partField(request, turnField(request, index), 1))).toEqual(fields);
});

test('instructions that the caller puts into the conversation count', () => {
  const turns: Turn[] = [{ role: 'developer', parts: [] }, USER];
  expect(turnField({ extraOf: 'openai-responses', turns } as unknown as ChatRequest, 1)).toBe('input[1]');
});
