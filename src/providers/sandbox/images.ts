import { crc32, deflateSync } from 'node:zlib';
import type { JsonRecord } from '../../llm/record.ts';
import { eventText } from '../../llm/sse.ts';
import { countInput } from './reply.ts';

const IMAGES_MAX = 10;

/** What is asked of the endpoints for images. */
export interface ImageRequest {
  readonly kind: 'image_generation' | 'image_edit';
  readonly prompt: string;
  readonly count: number;
  readonly asUrl: boolean;
}

/** Reads a request for images from a prompt, or from others; null if it is not valid. */
export function readImageRequest(body: JsonRecord, from: 'prompt' | 'image' | 'both'): ImageRequest | null {
  const { prompt, n, response_format: format } = body;
  const count = Number(n ?? 1);
  if (!Number.isInteger(count) || count < 1 || count > IMAGES_MAX) return null;
  if (from !== 'image' && (typeof prompt !== 'string' || prompt === '')) return null;
  if (from !== 'prompt' && !Object.keys(body).some((name) => /^images?(?:\[|$)/.test(name))) return null;
  return {
    kind: from === 'prompt' ? 'image_generation' : 'image_edit',
    prompt: typeof prompt === 'string' ? prompt : '',
    count,
    asUrl: format === 'url',
  };
}

/** A whole answer: images of one pixel, whose colour depends on the prompt. */
export function imagesAnswer(request: ImageRequest): string {
  const images = base64Images(request).map((image) =>
    request.asUrl ? { url: `data:image/png;base64,${image}` } : { b64_json: image },
  );
  return JSON.stringify({ created: 0, output_format: 'png', data: images, usage: usageOf(request) });
}

/** The events of a stream of images. */
export function* imageEvents(request: ImageRequest): Generator<string> {
  const type = `${request.kind}.completed`;
  for (const image of base64Images(request)) {
    const form = { size: '1x1', quality: 'low', background: 'opaque', output_format: 'png' };
    yield eventText(type, JSON.stringify({ type, b64_json: image, created_at: 0, ...form, usage: usageOf(request) }));
  }
}

function base64Images({ prompt, count }: ImageRequest): readonly string[] {
  return Array.from({ length: count }, (_, i) => onePixel(crc32(`${i} ${prompt}`)).toString('base64'));
}

/** A pixel is a token here. */
function usageOf({ prompt, count }: ImageRequest): JsonRecord {
  const input = countInput([prompt]);
  return {
    input_tokens: input,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
    output_tokens: count,
    total_tokens: input + count,
  };
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Width and height of 1, 8 bits a channel, red green blue. */
const HEADER = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);

/** A PNG of one pixel (https://www.w3.org/TR/png-3/); of the colour the lower 24 bits count. */
function onePixel(colour: number): Buffer {
  const row = Buffer.from([0, (colour >>> 16) & 0xff, (colour >>> 8) & 0xff, colour & 0xff]);
  return Buffer.concat([SIGNATURE, chunk('IHDR', HEADER), chunk('IDAT', deflateSync(row)), chunk('IEND', EMPTY)]);
}

const EMPTY = Buffer.alloc(0);

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(data.length, 0);
  typed.copy(framed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}
