/** Anthropic's stream (https://docs.claude.com/en/api/messages-streaming). */
import type { AnswerEvent } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import { EventReader } from '../event-reader.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import { errorStatus } from './error-types.ts';
import { readFinish } from './finish.ts';
import { answerExtra } from './read-answer.ts';
import type { BlockEvent } from './stream-blocks.ts';
import { Block } from './stream-blocks.ts';
import { anthropicUsage, mergedCounts } from './usage.ts';

export function readStream(onEvent: (event: AnswerEvent) => void): StreamReader {
  const message = new MessageReader(onEvent);
  const events = new EventReader((_name, data) => message.take(parsedOrUndefined(data)));
  return {
    push: (chunk) => events.push(chunk),
    end: () => {
      events.end();
      message.end();
    },
  };
}

/** A block in the order in which the blocks began; its events wait while one before it is open. */
interface Lane {
  readonly block: Block;
  readonly waiting: BlockEvent[];
  isWhole: boolean;
}

class MessageReader {
  readonly #onEvent: (event: AnswerEvent) => void;
  #state: 'before' | 'open' | 'finished' | 'over' = 'before';
  #id = '';
  #counts: JsonRecord = {};
  /** What the first event says of the end, for servers that say it nowhere else. */
  #head: JsonRecord = {};
  #lanes: Lane[] = [];
  readonly #open = new Map<unknown, Lane>();
  #parts = 0;
  #hasCall = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
  }

  take(body: unknown): void {
    if (!isRecord(body) || this.#state === 'over') return;
    switch (body['type']) {
      case 'message_start':
        return this.#start(recordOf(body['message']));
      case 'content_block_start':
        return this.#startBlock(body['index'], recordOf(body['content_block']));
      case 'content_block_delta':
        return this.#delta(body['index'], recordOf(body['delta']));
      case 'content_block_stop':
        return this.#stopBlock(body['index']);
      case 'message_delta':
        return this.#messageDelta(body);
      case 'message_stop':
        this.#finish(this.#head);
        this.#state = 'over';
        return this.#onEvent({ type: 'end' });
      default:
        if (isRecord(body['error'])) this.#fail(body['error']);
    }
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#closeAll(true);
    this.#state = 'over';
    this.#onEvent({ type: 'finish', choice: 0, finish: { reason: 'incomplete' } });
  }

  #start(message: JsonRecord): void {
    const id = typeof message['id'] === 'string' ? message['id'] : '';
    if (this.#state === 'before') {
      this.#begin(id, message);
      this.#usage(message['usage']);
      const content = Array.isArray(message['content']) ? message['content'].filter(isRecord) : [];
      // A call made by a program that runs at Anthropic stands whole in the first event.
      for (const [index, block] of content.entries()) {
        this.#startBlock(`whole ${index}`, block);
        this.#stopBlock(`whole ${index}`);
      }
    } else if (id === this.#id || (this.#parts === 0 && this.#lanes.length === 0)) {
      // Some servers begin twice (vercel/ai #18331).
      this.#usage(message['usage']);
    } else {
      // Something between has asked again after half an answer: two halves make no answer (same thread).
      this.#fail({ type: 'api_error', message: 'The answer broke off and another one began.' });
    }
  }

  #begin(id: string, message: JsonRecord): void {
    this.#state = 'open';
    this.#id = id;
    this.#head = message;
    const model = typeof message['model'] === 'string' ? message['model'] : '';
    this.#onEvent({ type: 'start', id, model, createdS: null, extra: answerExtra(message) });
  }

  #startBlock(index: unknown, start: JsonRecord): void {
    if (this.#state === 'before') this.#begin('', {});
    if (this.#state !== 'open') return;
    this.#stopBlock(index);
    const waiting: BlockEvent[] = [];
    let lane: Lane | null = null;
    const block = new Block(start, (event) => {
      if (lane !== null && lane === this.#lanes[0]) this.#tell(event);
      else waiting.push(event);
    });
    lane = { block, waiting, isWhole: false };
    this.#lanes.push(lane);
    this.#open.set(index, lane);
    if (block.kind === 'tool_call') this.#hasCall = true;
    this.#proceed();
  }

  #delta(index: unknown, delta: JsonRecord): void {
    const type = delta['type'] === 'text_delta' ? 'text' : delta['type'] === 'thinking_delta' ? 'thinking' : null;
    // Some servers leave the start of a block of text out, or tell reasoning within one (litellm #33224).
    if (type !== null && isAnother(this.#open.get(index)?.block, type)) this.#startBlock(index, { type });
    this.#open.get(index)?.block.take(delta);
  }

  #stopBlock(index: unknown): void {
    const lane = this.#open.get(index);
    if (lane === undefined) return;
    this.#open.delete(index);
    lane.block.stop();
    lane.isWhole = true;
    this.#proceed();
  }

  /** Tells what waits of the first block, and of those behind it as long as the ones before are whole. */
  #proceed(): void {
    for (let lane = this.#lanes[0]; lane !== undefined; lane = this.#lanes[0]) {
      for (const event of lane.waiting.splice(0)) this.#tell(event);
      if (!lane.isWhole) return;
      this.#lanes.shift();
    }
  }

  #tell(event: BlockEvent): void {
    this.#onEvent(event.type === 'open' ? { ...event, choice: 0, part: this.#parts++ } : event);
  }

  #messageDelta(body: JsonRecord): void {
    if (this.#state === 'before') this.#begin('', {});
    this.#usage(body['usage']);
    const delta = recordOf(body['delta']);
    if (typeof delta['stop_reason'] === 'string') this.#finish(delta);
  }

  #usage(usage: unknown): void {
    if (!isRecord(usage)) return;
    this.#counts = mergedCounts(this.#counts, usage);
    const read = anthropicUsage(this.#counts);
    if (read !== null) this.#onEvent({ type: 'usage', usage: read });
  }

  #finish(delta: JsonRecord): void {
    if (this.#state === 'before') this.#begin('', {});
    if (this.#state !== 'open') return;
    this.#closeAll(false);
    this.#state = 'finished';
    this.#onEvent({ type: 'finish', choice: 0, finish: readFinish(delta, this.#hasCall) });
  }

  /** What only Anthropic understands is nothing if it is not whole. */
  #closeAll(isCut: boolean): void {
    this.#lanes = this.#lanes.filter(({ block, isWhole }) => isWhole || !isCut || block.kind !== 'opaque');
    this.#proceed();
    const open = new Set(this.#lanes);
    for (const [index, lane] of [...this.#open]) {
      if (open.has(lane)) this.#stopBlock(index);
    }
    this.#open.clear();
  }

  #fail(error: JsonRecord): void {
    const type = typeof error['type'] === 'string' ? error['type'] : 'api_error';
    const message = typeof error['message'] === 'string' ? error['message'] : '';
    this.#state = 'over';
    this.#onEvent({ type: 'error', error: { message, type, status: errorStatus(type) } });
  }
}

function isAnother(block: Block | undefined, type: 'text' | 'thinking'): boolean {
  return block === undefined || ((block.kind === 'text' || block.kind === 'thinking') && block.kind !== type);
}
