import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatRequest, Turn } from '../canonical.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { recordOf } from '../record.ts';
import { BLANK, read, write } from './request-fixture.ts';

describe('what the format can say', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const text = fc.string({ minLength: 1, unit: 'grapheme' });
  const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'));
  const signature = base64.map((value) => ({ of: 'gemini' as const, value }));
  const object = fc.dictionary(word, fc.jsonValue({ maxDepth: 1 })).map((value) => JSON.stringify(value));
  const signed = <T extends object>(part: fc.Arbitrary<T>) =>
    fc.tuple(part, fc.option(signature, { nil: undefined })).map(([each, sign]) => ({
      ...each,
      ...(sign === undefined ? {} : { signature: sign }),
    }));
  const textPart = signed(fc.record({ kind: fc.constant('text' as const), text }));
  const image = signed(
    fc.oneof(
      base64.map((data) => ({
        kind: 'image' as const,
        source: { kind: 'base64' as const, data },
        mediaType: 'image/png',
      })),
      word.map((id) => ({
        kind: 'file' as const,
        source: { kind: 'id' as const, id: `files/${id}`, of: 'gemini' as const },
        mediaType: 'text/csv',
      })),
      word.map((name) => ({
        kind: 'video' as const,
        source: { kind: 'url' as const, url: `https://example.org/${name}` },
        mediaType: 'video/mp4',
        filename: name,
      })),
    ),
  );
  const opaque = word.map((code) => ({
    kind: 'opaque' as const,
    of: 'gemini' as const,
    value: { executableCode: { language: 'PYTHON', code } },
  }));
  const thinking = fc.record({
    kind: fc.constant('thinking' as const),
    text,
    signature: fc.option(signature),
  });
  const call = signed(
    fc.record({
      kind: fc.constant('tool_call' as const),
      id: fc.oneof(word, fc.constant('')),
      name: word,
      arguments: object,
    }),
  );
  const result = fc
    .record({
      callId: word,
      name: word,
      isError: fc.boolean(),
      text: fc.oneof(text, object),
      media: fc.array(image, { maxLength: 1 }),
    })
    .map(({ text: said, media, ...rest }) => ({
      kind: 'tool_result' as const,
      ...rest,
      parts: [{ kind: 'text' as const, text: said }, ...media],
    }));
  const userParts = fc
    .tuple(fc.array(result, { maxLength: 2 }), fc.array(fc.oneof(textPart, image), { minLength: 1, maxLength: 3 }))
    .map(([results, others]) => [...results, ...others]);
  const modelParts = fc.array(fc.oneof(textPart, thinking, call, opaque, image), { minLength: 1, maxLength: 4 });
  const turns = fc
    .tuple(fc.option(text), fc.array(fc.tuple(userParts, modelParts), { minLength: 1, maxLength: 3 }))
    .map(([instruction, pairs]): Turn[] => [
      ...(instruction === null
        ? []
        : [{ role: 'system' as const, parts: [{ kind: 'text' as const, text: instruction }] }]),
      ...pairs.flatMap(([user, model]): Turn[] => [
        { role: 'user', parts: user },
        { role: 'assistant', parts: model },
      ]),
    ]);
  const schema = fc.constant({ type: 'object', properties: { a: { type: 'string' } } });
  const tool = fc.record({
    kind: fc.constant('function' as const),
    name: word,
    description: fc.option(word),
    parameters: fc.option(schema),
    strict: fc.constant(null),
  });
  const number = fc.option(fc.integer({ min: 0, max: 100 }));
  const request = fc.record({
    turns,
    tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
    toolChoice: fc.option(
      fc.oneof(
        fc.constantFrom({ kind: 'auto' as const }, { kind: 'none' as const }, { kind: 'required' as const }),
        word.map((name) => ({ kind: 'named' as const, name })),
        fc.record({
          kind: fc.constant('allowed' as const),
          names: fc.array(word, { minLength: 2, maxLength: 3 }),
          required: fc.boolean(),
        }),
      ),
    ),
    outputTokensMax: number,
    temperature: number,
    topP: number,
    topK: number,
    stop: fc.array(word, { maxLength: 5 }),
    seed: number,
    choices: number,
    presencePenalty: number,
    frequencyPenalty: number,
    logprobs: fc.option(fc.record({ top: fc.nat({ max: 5 }) })),
    format: fc.option(
      fc.oneof(
        fc.constantFrom({ kind: 'json' as const }, { kind: 'text' as const }),
        schema.map((each) => ({
          kind: 'json_schema' as const,
          name: 'response',
          description: null,
          schema: each,
          strict: null,
        })),
      ),
    ),
    reasoning: fc.option(
      fc.record({
        enabled: fc.constant(true),
        effort: fc.constantFrom('low', 'medium', 'high'),
        budgetTokens: fc.constant(null),
        show: fc.option(fc.boolean()),
      }),
    ),
    extra: fc.dictionary(fc.constantFrom('safetySettings', 'labels', 'generationConfig.speechConfig'), word),
  });

  test('survives being written and read', () => {
    fc.assert(
      fc.property(request, (parts) => {
        const { body } = write(parts, { name: 'gemini-3-flash', traits: UNKNOWN_TRAITS });
        const back = read(recordOf(JSON.parse(JSON.stringify(body))));
        expect(withoutDummies(back)).toEqual({ ...BLANK, ...parts });
      }),
      { numRuns: 300 },
    );
  });

  function withoutDummies(back: ChatRequest): ChatRequest {
    const turnsBack = back.turns.map((turn) => ({
      ...turn,
      parts: turn.parts.map((part) => {
        if (part.kind !== 'tool_call' || part.signature?.value !== 'skip_thought_signature_validator') return part;
        const { signature: _, ...rest } = part;
        return rest;
      }),
    }));
    return { ...back, turns: turnsBack };
  }
});
