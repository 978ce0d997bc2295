import { writeMessage } from '../../lib/aws-event-stream.ts';
import type { JsonRecord } from '../record.ts';

/** One event of ConverseStream as Bedrock sends it, `contentBlockDelta` for example: for fakes and tests. */
export function eventFrame(type: string, body: JsonRecord): Buffer {
  return frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, body);
}

/** An exception in mid-stream, `throttlingException` for example. */
export function exceptionFrame(type: string, body: JsonRecord): Buffer {
  return frame({ ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' }, body);
}

function frame(headers: Readonly<Record<string, string>>, body: JsonRecord): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const);
  return writeMessage({ headers: new Map(typed), payload: Buffer.from(JSON.stringify(body), 'utf8') });
}
