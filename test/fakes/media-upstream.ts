/** A vendor that makes images and sound, reranks and judges, as far as tests look at it; records what it received. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MediaRequest {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
  /** Head and body, to search for secrets. */
  readonly text: string;
}

export interface MediaUpstream {
  readonly origin: string;
  readonly requests: readonly MediaRequest[];
  last(): MediaRequest;
  close(): Promise<void>;
}

export const MP3 = Buffer.from([0xff, 0xfb, 0x90, 0x00, 1, 2, 3, 0x0d, 0x0a, 0xff]);
export const IMAGE_USAGE = {
  input_tokens: 10,
  input_tokens_details: { text_tokens: 10, image_tokens: 0 },
  output_tokens: 272,
  total_tokens: 282,
};

/** Base64 of an image that is larger than what the gateway holds. */
const LARGE_IMAGE = Buffer.alloc(2_000_000, 7).toString('base64');

export async function startMediaUpstream(): Promise<MediaUpstream> {
  const requests: MediaRequest[] = [];
  const server = createServer((req, res) => void receive(req, res, requests));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    last: () => {
      const last = requests.at(-1);
      if (last === undefined) throw new Error('nothing was received');
      return last;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function receive(req: IncomingMessage, res: ServerResponse, requests: MediaRequest[]): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const path = req.url ?? '';
  const contentType = req.headers['content-type'] ?? '';
  requests.push({ path, contentType, body, text: `${req.rawHeaders.join('\n')}\n${body.toString('latin1')}` });
  answer(path, body.toString('latin1'), res);
}

function answer(path: string, asked: string, res: ServerResponse): void {
  switch (path) {
    case '/v1/audio/speech':
      return asked.includes('html') ? send(res, 'text/html', '<p>busy</p>') : send(res, 'audio/mpeg', MP3);
    case '/v1/audio/transcriptions':
      if (asked.includes('\r\nvtt\r\n')) return send(res, 'text/vtt', 'WEBVTT\n');
      if (asked.includes('\r\nverbose_json\r\n'))
        return json(res, { task: 'transcribe', duration: 8.470000267028809, text: 'heard', segments: [] });
      if (asked.includes('\r\nsilent\r\n')) return json(res, { text: 'heard' });
      return json(res, { text: 'heard', usage: { type: 'duration', seconds: 9 } });
    case '/v1/audio/translations':
      return json(res, { text: 'heard' });
    case '/v1/images/generations':
      if (asked.includes('"stream":true')) return send(res, 'text/event-stream', imageEvent());
      return json(res, { created: 1, data: [{ b64_json: LARGE_IMAGE }], usage: IMAGE_USAGE });
    case '/v1/images/edits':
      return json(res, { created: 1, data: [{ url: 'https://example.com/1.png' }] });
    case '/v1/rerank':
      return json(res, {
        data: [
          { index: 1, relevance_score: 0.9 },
          { index: 0, relevance_score: 0.1 },
        ],
        usage: { total_tokens: 5 },
      });
    case '/v2/rerank':
      return json(res, {
        id: 'r',
        results: [{ index: 1, relevance_score: 0.8 }],
        meta: { billed_units: { search_units: 1 } },
      });
    default:
      res.writeHead(404).end();
  }
}

/** One event with a whole image in it. */
function imageEvent(): string {
  const type = 'image_generation.completed';
  return `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: LARGE_IMAGE.repeat(3), usage: IMAGE_USAGE })}\n\n`;
}

function json(res: ServerResponse, value: unknown): void {
  send(res, 'application/json', JSON.stringify(value));
}

function send(res: ServerResponse, type: string, body: string | Buffer): void {
  res.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  res.end(body);
}
