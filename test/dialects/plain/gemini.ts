import type { Ending, Gist, Json, PlainFormat } from './gist.ts';
import { count, gist, last, list, record, word } from './gist.ts';

const GEMINI_ENDINGS: Readonly<Record<string, Ending>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'blocked',
  RECITATION: 'blocked',
  PROHIBITED_CONTENT: 'blocked',
  OTHER: 'failed',
  MALFORMED_FUNCTION_CALL: 'failed',
};

export const gemini: PlainFormat = {
  whole: (body) => {
    const candidate = record(list(body['candidates'])[0]);
    const parts = list(record(candidate['content'])['parts']).map(record);
    const usage = record(body['usageMetadata']);
    const input = count(usage['promptTokenCount']) + count(usage['toolUsePromptTokenCount']);
    const thoughts = count(usage['thoughtsTokenCount']);
    const isBlocked = record(body['promptFeedback'])['blockReason'] !== undefined;
    const ending = body['error'] === undefined ? GEMINI_ENDINGS[word(candidate['finishReason'])] : 'failed';
    return gist({
      text: parts.map(({ text, thought }) => (thought === true ? '' : word(text))).join(''),
      reasoning: parts.map(({ text, thought }) => (thought === true ? word(text) : '')).join(''),
      calls: geminiCalls(parts),
      ending: isBlocked ? 'blocked' : ending,
      usage: {
        input,
        cached: count(usage['cachedContentTokenCount']),
        cacheWrite: 0,
        output: Math.max(
          count(usage['candidatesTokenCount']) + thoughts,
          count(usage['totalTokenCount']) === 0 ? 0 : count(usage['totalTokenCount']) - input,
        ),
        reasoning: thoughts,
      },
    });
  },
  fold: (events) => {
    const candidates = events.map((event) => record(list(event['candidates'])[0]));
    return {
      error: events.find(({ error }) => error !== undefined)?.['error'],
      promptFeedback: events.find(({ promptFeedback }) => promptFeedback !== undefined)?.['promptFeedback'],
      candidates: [
        {
          content: { parts: candidates.flatMap(({ content }) => list(record(content)['parts'])) },
          finishReason: last(candidates, ({ finishReason }) => finishReason !== undefined)?.['finishReason'],
        },
      ],
      usageMetadata: last(events, ({ usageMetadata }) => usageMetadata !== undefined)?.['usageMetadata'],
    };
  },
};

/** A call that has a name begins; pieces without one go on with it (Vertex). */
function geminiCalls(parts: readonly Json[]): Gist['calls'] {
  const calls: { name: string; arguments: unknown }[] = [];
  for (const { functionCall } of parts) {
    if (functionCall === undefined) continue;
    const { name, args, partialArgs } = record(functionCall);
    if (name !== undefined) calls.push({ name: word(name), arguments: record(args) });
    const call = calls.at(-1);
    for (const piece of list(partialArgs)) {
      const { jsonPath, stringValue, numberValue, boolValue } = record(piece);
      const steps = word(jsonPath).match(/[^$.[\]]+/g) ?? [];
      if (call !== undefined) call.arguments = placed(call.arguments, steps, stringValue ?? numberValue ?? boolValue);
    }
  }
  return calls;
}

function placed(value: unknown, [step, ...rest]: readonly string[], more: unknown): unknown {
  if (step === undefined) return typeof value === 'string' ? value + String(more) : more;
  if (!/^\d+$/.test(step)) return { ...record(value), [step]: placed(record(value)[step], rest, more) };
  const items = [...list(value)];
  items[Number(step)] = placed(items[Number(step)], rest, more);
  return items;
}
