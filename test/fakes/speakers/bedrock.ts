/** Amazon Bedrock ConverseStream: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html */
import { writeMessage } from '../../../src/lib/aws-event-stream.ts';
import { pieces, placeOf } from './said.ts';
import type { Said, Speaker } from './said.ts';

const FINISH = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', blocked: 'content_filtered' } as const;

export const bedrock: Speaker = {
  contentType: 'application/json',
  streamType: 'application/vnd.amazon.eventstream',
  says: ['page', 'document'],
  whole: (said) => ({
    output: {
      message: {
        role: 'assistant',
        content: [
          ...(said.thinking === undefined ? [] : [{ reasoningContent: { reasoningText: said.thinking } }]),
          ...texts(said).map(({ text, citation }) =>
            citation === null ? { text } : { citationsContent: { content: [{ text }], citations: [citation] } },
          ),
          ...(said.calls ?? []).map(({ id, name, arguments: input }) => ({ toolUse: { toolUseId: id, name, input } })),
        ],
      },
    },
    stopReason: FINISH[said.finish],
    usage: usage(said),
    metrics: { latencyMs: 10 },
  }),
  stream: (said) => {
    const list: Buffer[] = [];
    const add = (type: string, value: object) => list.push(frame(type, value));
    let index = -1;
    add('messageStart', { role: 'assistant' });
    // Blocks of text and of reasoning begin with their first delta.
    const block = (deltas: readonly object[]) => {
      index += 1;
      for (const delta of deltas) add('contentBlockDelta', { contentBlockIndex: index, delta });
      add('contentBlockStop', { contentBlockIndex: index });
    };
    if (said.thinking !== undefined) {
      block([
        ...pieces(said.thinking.text).map((text) => ({ reasoningContent: { text } })),
        { reasoningContent: { signature: said.thinking.signature } },
      ]);
    }
    for (const { text, citation } of texts(said))
      block([...pieces(text).map((piece) => ({ text: piece })), ...(citation === null ? [] : [{ citation }])]);
    for (const { id, name, arguments: input } of said.calls ?? []) {
      add('contentBlockStart', { contentBlockIndex: index + 1, start: { toolUse: { toolUseId: id, name } } });
      block(pieces(JSON.stringify(input)).map((text) => ({ toolUse: { input: text } })));
    }
    add('messageStop', { stopReason: FINISH[said.finish] });
    add('metadata', { usage: usage(said), metrics: { latencyMs: 10 } });
    return list;
  },
};

/** What rests on a source is a block of its own (API_runtime_CitationsContentBlock). */
function texts({ text, page, document }: Said): readonly { readonly text: string; readonly citation: object | null }[] {
  const cited = page ?? document;
  if (text === undefined) return [];
  if (cited === undefined) return [{ text, citation: null }];
  const { before, after } = placeOf(text, cited.stretch);
  const location =
    page === undefined
      ? { documentChar: { documentIndex: 0, start: 10, end: 30 } }
      : { web: { url: page.url, domain: new URL(page.url).hostname } };
  const citation = { title: cited.title, sourceContent: [{ text: 'Oslo: −3 °C at noon.' }], location };
  return [
    { text: before, citation: null },
    { text: cited.stretch, citation },
    { text: after, citation: null },
  ];
}

function frame(type: string, value: object): Buffer {
  const header = (text: string) => ({ type: 'string' as const, value: text });
  return writeMessage({
    headers: new Map([
      [':event-type', header(type)],
      [':content-type', header('application/json')],
      [':message-type', header('event')],
    ]),
    payload: Buffer.from(JSON.stringify(value)),
  });
}

function usage({ usage: { input, cached, output } }: Said): object {
  return {
    inputTokens: input - cached,
    outputTokens: output,
    totalTokens: input + output,
    cacheReadInputTokens: cached,
    cacheWriteInputTokens: 0,
  };
}
