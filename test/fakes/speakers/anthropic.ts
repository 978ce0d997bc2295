/** Anthropic Messages: https://docs.claude.com/en/api/messages-streaming */
import { events, pieces, placeOf } from './said.ts';
import type { Said, Speaker } from './said.ts';

const FINISH = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', blocked: 'refusal' } as const;

export const anthropic: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  says: ['page', 'document'],
  whole: (said) => ({
    id: said.id,
    type: 'message',
    role: 'assistant',
    model: said.model,
    content: [
      ...(said.thinking === undefined
        ? []
        : [{ type: 'thinking', thinking: said.thinking.text, signature: said.thinking.signature }]),
      ...texts(said).map(({ text, citation }) => ({
        type: 'text',
        text,
        citations: citation === null ? null : [citation],
      })),
      ...(said.calls ?? []).map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input })),
    ],
    stop_reason: FINISH[said.finish],
    stop_sequence: null,
    usage: { ...inputUsage(said), output_tokens: said.usage.output },
  }),
  stream: (said) => {
    const list: (readonly [string, object])[] = [];
    const add = (type: string, value: object) => list.push([type, { type, ...value }]);
    let index = -1;
    const block = (start: object, deltas: readonly object[]) => {
      index += 1;
      add('content_block_start', { index, content_block: start });
      for (const delta of deltas) add('content_block_delta', { index, delta });
      add('content_block_stop', { index });
    };
    add('message_start', {
      message: {
        id: said.id,
        type: 'message',
        role: 'assistant',
        model: said.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...inputUsage(said), output_tokens: 1 },
      },
    });
    add('ping', {});
    if (said.thinking !== undefined) {
      block({ type: 'thinking', thinking: '', signature: '' }, [
        ...pieces(said.thinking.text).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: said.thinking.signature },
      ]);
    }
    for (const { text, citation } of texts(said)) {
      block({ type: 'text', text: '', ...(citation !== null && { citations: [] }) }, [
        ...pieces(text).map((piece) => ({ type: 'text_delta', text: piece })),
        ...(citation === null ? [] : [{ type: 'citations_delta', citation }]),
      ]);
    }
    for (const { id, name, arguments: input } of said.calls ?? []) {
      block(
        { type: 'tool_use', id, name, input: {} },
        // A call without arguments has no delta but an empty one.
        (Object.keys(input).length === 0 ? [''] : pieces(JSON.stringify(input))).map((text) => ({
          type: 'input_json_delta',
          partial_json: text,
        })),
      );
    }
    add('message_delta', {
      delta: { stop_reason: FINISH[said.finish], stop_sequence: null },
      usage: { output_tokens: said.usage.output },
    });
    add('message_stop', {});
    return events(list);
  },
};

/** What rests on a source is a block of its own: https://docs.claude.com/en/docs/build-with-claude/citations */
function texts(said: Said): readonly { readonly text: string; readonly citation: object | null }[] {
  const { text, page, document } = said;
  const cited = page ?? document;
  if (text === undefined) return [];
  if (cited === undefined) return [{ text, citation: null }];
  const { before, after } = placeOf(text, cited.stretch);
  const citation = page === undefined ? documentCitation(cited.title) : pageCitation(page);
  return [
    { text: before, citation: null },
    { text: cited.stretch, citation },
    { text: after, citation: null },
  ];
}

function pageCitation({ url, title }: NonNullable<Said['page']>): object {
  const cited_text = 'Oslo: −3 °C at noon.';
  return { type: 'web_search_result_location', url, title, encrypted_index: 'ZW5j', cited_text };
}

function documentCitation(document_title: string): object {
  const place = { document_index: 0, document_title, file_id: null, start_char_index: 10, end_char_index: 30 };
  return { type: 'char_location', cited_text: 'Oslo: −3 °C at noon.', ...place };
}

function inputUsage({ usage: { input, cached } }: Said): object {
  return { input_tokens: input - cached, cache_creation_input_tokens: 0, cache_read_input_tokens: cached };
}
