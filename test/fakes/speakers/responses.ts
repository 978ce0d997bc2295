/** OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming */
import { events, pieces, placeOf, textPieces } from './said.ts';
import type { Said, SaidToken, Speaker } from './said.ts';

export const responses: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  says: ['tokens', 'page', 'document'],
  whole: (said) => response(said, output(said)),
  stream: (said) => {
    const list: (readonly [string, object])[] = [];
    const add = (type: string, value: object) => list.push([type, { type, sequence_number: list.length, ...value }]);
    const open = { ...response(said, []), status: 'in_progress', usage: null, incomplete_details: null };
    add('response.created', { response: open });
    add('response.in_progress', { response: open });
    for (const [index, item] of output(said).entries()) {
      add('response.output_item.added', { output_index: index, item: begun(item) });
      body(item, index, said, add);
      add('response.output_item.done', { output_index: index, item });
    }
    const last = response(said, output(said));
    add(`response.${said.finish === 'length' || said.finish === 'blocked' ? 'incomplete' : 'completed'}`, {
      response: last,
    });
    return events(list);
  },
};

type Item = Readonly<Record<string, unknown>> & { readonly type: string; readonly id: string };

function output(said: Said): readonly Item[] {
  const { id, thinking, text, calls } = said;
  const items: Item[] = [];
  if (thinking !== undefined) {
    items.push({
      type: 'reasoning',
      id: `rs_${id}`,
      summary: [{ type: 'summary_text', text: thinking.text }],
      encrypted_content: thinking.signature,
    });
  }
  if (text !== undefined) {
    items.push({
      type: 'message',
      id: `msg_${id}`,
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text, annotations: annotations(said), logprobs: logprobs(said.tokens) }],
    });
  }
  for (const [index, call] of (calls ?? []).entries()) {
    items.push({
      type: 'function_call',
      id: `fc_${id}_${index}`,
      call_id: call.id,
      name: call.name,
      arguments: JSON.stringify(call.arguments),
      status: 'completed',
    });
  }
  return items;
}

function annotations({ id, text = '', page, document }: Said): readonly object[] {
  if (document !== undefined) {
    const index = placeOf(text, document.stretch).to;
    return [{ type: 'file_citation', index, file_id: `file_${id}`, filename: document.title }];
  }
  if (page === undefined) return [];
  const { from, to } = placeOf(text, page.stretch);
  return [{ type: 'url_citation', start_index: from, end_index: to, url: page.url, title: page.title }];
}

function logprobs(tokens: readonly SaidToken[] = []): readonly object[] {
  return tokens.map(({ other, ...token }) => ({ ...one(token), top_logprobs: [token, other].map(one) }));
}

function one({ token, logprob }: { readonly token: string; readonly logprob: number }): object {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

function begun(item: Item): object {
  if (item.type === 'function_call') return { ...item, arguments: '', status: 'in_progress' };
  if (item.type === 'message') return { ...item, content: [], status: 'in_progress' };
  return { ...item, summary: [] };
}

function body(item: Item, index: number, said: Said, add: (type: string, value: object) => void): void {
  const at = { item_id: item.id, output_index: index };
  if (item.type === 'function_call') {
    for (const delta of pieces(String(item['arguments'])))
      add('response.function_call_arguments.delta', { ...at, delta });
    add('response.function_call_arguments.done', { ...at, name: item['name'], arguments: item['arguments'] });
  } else if (item.type === 'message') {
    const [part] = item['content'] as readonly object[];
    const place = { ...at, content_index: 0 };
    add('response.content_part.added', { ...place, part: { ...part, text: '', annotations: [], logprobs: [] } });
    for (const [nth, delta] of textPieces(said).entries())
      add('response.output_text.delta', { ...place, delta, logprobs: logprobs(said.tokens?.slice(nth, nth + 1)) });
    for (const [nth, annotation] of annotations(said).entries())
      add('response.output_text.annotation.added', { ...place, annotation_index: nth, annotation });
    add('response.output_text.done', { ...place, text: said.text, logprobs: logprobs(said.tokens) });
    add('response.content_part.done', { ...place, part });
  } else {
    const [part] = item['summary'] as readonly { readonly text: string }[];
    const place = { ...at, summary_index: 0 };
    add('response.reasoning_summary_part.added', { ...place, part: { type: 'summary_text', text: '' } });
    for (const delta of pieces(part?.text ?? '')) add('response.reasoning_summary_text.delta', { ...place, delta });
    add('response.reasoning_summary_text.done', { ...place, text: part?.text });
    add('response.reasoning_summary_part.done', { ...place, part });
  }
}

function response(said: Said, items: readonly Item[]): object {
  const { input, cached, output: out, reasoning } = said.usage;
  const cut = { length: 'max_output_tokens', blocked: 'content_filter', stop: null, tool_calls: null }[said.finish];
  return {
    id: `resp_${said.id}`,
    object: 'response',
    created_at: 1_790_000_000,
    status: cut === null ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: cut === null ? null : { reason: cut },
    instructions: null,
    max_output_tokens: null,
    model: said.model,
    output: items,
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    metadata: {},
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: out,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + out,
    },
  };
}
