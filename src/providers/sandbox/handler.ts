import { isFormType, readForm } from '../../lib/form-data.ts';
import type { ClientDialectName } from '../../llm/dialect.ts';
import type { JsonRecord } from '../../llm/record.ts';
import { isRecord, parsedOrUndefined } from '../../llm/record.ts';
import type { InProcessAnswer, InProcessRequest } from '../in-process.ts';
import { messagesAnswer, messagesEvents, readMessages } from './anthropic.ts';
import type { Content } from './audio.ts';
import { readHeard, speechAnswer, speechEvents, transcriptAnswer, transcriptEvents } from './audio.ts';
import type { Behaviour } from './behaviour.ts';
import { behaviourOf } from './behaviour.ts';
import { batchEmbedAnswer, embedContentAnswer, embeddingsAnswer } from './embeddings.ts';
import { asArray, asEvents, contentsAnswer, contentsParts, readContents } from './gemini.ts';
import { imageEvents, imagesAnswer, readImageRequest } from './images.ts';
import { moderationAnswer } from './moderation.ts';
import { asksUsage, chatAnswer, chatEvents, readChat } from './openai-chat.ts';
import { completionAnswer, completionEvents, readCompletion } from './openai-completions.ts';
import { readResponses, responsesAnswer, responsesEvents } from './openai-responses.ts';
import { playStream, playWhole } from './playback.ts';
import type { Prompt } from './prompt.ts';
import { rerankAnswer } from './rerank.ts';
import type { Reply } from './reply.ts';
import { countInput, idOf, piecesOf, replyTo, wordsOf } from './reply.ts';
import { vendorError } from './vendor-error.ts';

/** A request once its path, its body and its model are known to be valid. */
interface SandboxCall {
  readonly dialect: ClientDialectName;
  readonly body: JsonRecord;
  readonly bytes: Uint8Array;
  readonly model: string;
  readonly behaviour: Behaviour;
  readonly headers: readonly string[];
}

type Operation = (call: SandboxCall) => InProcessAnswer;

const EVENTS_OF_FIFTY = 50;

/** Paths below the endpoint's base URL; the gateway's own `/v1` in front is taken off first. */
const OPERATIONS: Readonly<Record<string, readonly [ClientDialectName, Operation]>> = {
  '/chat/completions': [
    'openai',
    (call) => generate(call, readChat(call.body), chatAnswer, openaiStream(call, chatEvents)),
  ],
  '/completions': [
    'openai',
    (call) => generate(call, readCompletion(call.body), completionAnswer, openaiStream(call, completionEvents)),
  ],
  '/embeddings': ['openai', (call) => whole(call, embeddingsAnswer(call.body, call.model))],
  '/rerank': ['openai', (call) => whole(call, rerankAnswer(call.body, call.model), '"query" and "documents"')],
  '/moderations': [
    'openai',
    (call) => whole(call, moderationAnswer(call.body, call.model, idOf(call.bytes)), '"input"'),
  ],
  '/images/generations': ['openai', (call) => images(call, 'prompt')],
  '/images/edits': ['openai', (call) => images(call, 'both')],
  '/images/variations': ['openai', (call) => images(call, 'image')],
  '/audio/speech': ['openai', speech],
  '/audio/transcriptions': ['openai', (call) => transcript(call, 'transcribe')],
  '/audio/translations': ['openai', (call) => transcript(call, 'translate')],
  '/responses': [
    'openai-responses',
    (call) => generate(call, readResponses(call.body), responsesAnswer, bodyStream(call, responsesEvents)),
  ],
  '/messages': [
    'anthropic',
    (call) => generate(call, readMessages(call.body), messagesAnswer, bodyStream(call, messagesEvents)),
  ],
  '/messages/count_tokens': ['anthropic', (call) => count(call, readMessages(call.body), 'input_tokens')],
};

const GEMINI_OPERATIONS: Readonly<Record<string, Operation>> = {
  generateContent: (call) => generate(call, readContents(call.body), contentsAnswer, null),
  'streamGenerateContent?sse': (call) =>
    generate(call, readContents(call.body), contentsAnswer, (reply, pieces) => asEvents(contentsParts(reply, pieces))),
  streamGenerateContent: (call) =>
    generate(
      call,
      readContents(call.body),
      contentsAnswer,
      (reply, pieces) => asArray(contentsParts(reply, pieces)),
      'application/json',
    ),
  countTokens: (call) => count(call, readContents(call.body), 'totalTokens'),
  embedContent: (call) => whole(call, embedContentAnswer(call.body)),
  batchEmbedContents: (call) => whole(call, batchEmbedAnswer(call.body)),
};

/**
 * Answers like a provider, without a socket, a clock or a memory: the same request gets the same
 * answer, byte for byte. The model's name says how, see `behaviour.ts`.
 */
export function handleSandbox(request: InProcessRequest): InProcessAnswer {
  const [path = '', query = ''] = request.path.split('?', 2);
  // Google's SDK asks for v1 since its third major version, for v1beta before.
  const gemini = /^\/v1(?:beta)?\/models\/([^/:]+):(\w+)$/.exec(path);
  if (gemini !== null) return handleGemini(request, gemini[1] ?? '', gemini[2] ?? '', query);
  const operation = OPERATIONS[path.replace(/^\/v1(?=\/)/, '')];
  if (operation === undefined || request.method !== 'POST') {
    return vendorError('openai', 404, request.body, 'There is no such path in the sandbox.');
  }
  const body = bodyOf(request);
  const model = isRecord(body) ? body['model'] : undefined;
  return answer(request.body, body, typeof model === 'string' ? model : '', ...operation);
}

function bodyOf({ body, contentType = null }: InProcessRequest): unknown {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (contentType === null || !isFormType(contentType)) return parsedOrUndefined(bytes.toString('utf8'));
  const read = readForm(bytes, contentType);
  if (!read.ok) return undefined;
  const fields = read.form.fields.map(({ name, isFile, from, to }) => [
    name,
    isFile ? { size: to - from } : bytes.toString('utf8', from, to),
  ]);
  return Object.fromEntries(fields);
}

function handleGemini(request: InProcessRequest, model: string, method: string, query: string): InProcessAnswer {
  const wantsEvents = method === 'streamGenerateContent' && query.split('&').includes('alt=sse');
  const name = wantsEvents ? `${method}?sse` : method;
  // The method is the caller's word: `constructor` is none.
  const operation = Object.hasOwn(GEMINI_OPERATIONS, name) ? GEMINI_OPERATIONS[name] : undefined;
  if (operation === undefined || request.method !== 'POST') {
    return vendorError('gemini', 404, request.body, 'There is no such method in the sandbox.');
  }
  const body = parsedOrUndefined(Buffer.from(request.body).toString('utf8'));
  return answer(request.body, body, model, 'gemini', operation);
}

function answer(
  bytes: Uint8Array,
  body: unknown,
  model: string,
  dialect: ClientDialectName,
  operation: Operation,
): InProcessAnswer {
  if (!isRecord(body)) return vendorError(dialect, 400, bytes, 'The body is neither a JSON object nor a form.');
  const behaviour = behaviourOf(model);
  if (behaviour === null) return unknownModel(dialect, model, bytes);
  if (behaviour.status !== 200) return vendorError(dialect, behaviour.status, bytes);
  const headers = [dialect === 'anthropic' ? 'request-id' : 'x-request-id', `req_${idOf(bytes)}`];
  return operation({ dialect, body, bytes, model, behaviour, headers });
}

function unknownModel(dialect: ClientDialectName, model: string, bytes: Uint8Array): InProcessAnswer {
  const message = `The sandbox has no model ${JSON.stringify(model)}. GET /v1/models lists those it has; sandbox/echo is one.`;
  return vendorError(dialect, 404, bytes, message);
}

type Stream = (reply: Reply, pieces: Iterable<string>) => Iterable<string>;

/** `stream` is null where the caller wants a whole answer. */
function generate(
  call: SandboxCall,
  prompt: Prompt | null,
  wholeAnswer: (reply: Reply) => string,
  stream: Stream | null,
  contentType?: string,
): InProcessAnswer {
  if (prompt === null) return invalid(call);
  const reply = replyTo(prompt, call.behaviour, call.model, call.bytes);
  if (stream === null) return whole(call, wholeAnswer(reply));
  return playStream(stream(reply, piecesFor(call, reply, stream)), call.behaviour, call.headers, contentType);
}

/** For exactly fifty events, the text comes in as many pieces as leave room for the events around them. */
function piecesFor(call: SandboxCall, reply: Reply, stream: Stream): Iterable<string> {
  if (call.behaviour.reply !== 'fifty') return wordsOf(reply.text);
  return piecesOf(reply.text, EVENTS_OF_FIFTY - [...stream(reply, [])].length);
}

function bodyStream(call: SandboxCall, stream: Stream): Stream | null {
  return call.body['stream'] === true ? stream : null;
}

function openaiStream(
  call: SandboxCall,
  events: (reply: Reply, pieces: Iterable<string>, tellUsage: boolean) => Iterable<string>,
): Stream | null {
  const tellUsage = asksUsage(call.body);
  return bodyStream(call, (reply, pieces) => events(reply, pieces, tellUsage));
}

function count(call: SandboxCall, prompt: Prompt | null, member: string): InProcessAnswer {
  return whole(call, prompt === null ? null : JSON.stringify({ [member]: countInput(prompt.texts) }));
}

function images(call: SandboxCall, from: 'prompt' | 'image' | 'both'): InProcessAnswer {
  const request = readImageRequest(call.body, from);
  if (request === null) return invalid(call, 'a "prompt", an "image" where one is changed, and "n" from 1 to 10');
  return streams(call)
    ? playStream(imageEvents(request), call.behaviour, call.headers)
    : whole(call, imagesAnswer(request));
}

function speech(call: SandboxCall): InProcessAnswer {
  const { input, stream_format: format } = call.body;
  const answered = speechAnswer(call.body);
  if (answered !== null && typeof input === 'string' && format === 'sse')
    return playStream(speechEvents(input), call.behaviour, call.headers);
  return content(call, answered, '"input"');
}

function transcript(call: SandboxCall, task: 'transcribe' | 'translate'): InProcessAnswer {
  const heard = readHeard(call.body, task);
  if (heard !== null && streams(call)) return playStream(transcriptEvents(heard), call.behaviour, call.headers);
  const answered = heard === null ? null : transcriptAnswer(heard);
  return content(call, answered, 'a "file" as a form sends it, and a known "response_format"');
}

/** Forms have only texts. */
function streams({ body }: SandboxCall): boolean {
  return body['stream'] === true || body['stream'] === 'true';
}

function content(call: SandboxCall, answered: Content | null, needed: string): InProcessAnswer {
  if (answered === null) return invalid(call, needed);
  return playWhole(answered.bytes, call.behaviour, call.headers, answered.type);
}

function whole(call: SandboxCall, text: string | null, needed?: string): InProcessAnswer {
  return text === null ? invalid(call, needed) : playWhole(text, call.behaviour, call.headers);
}

function invalid(call: SandboxCall, needed = NEEDED[call.dialect]): InProcessAnswer {
  const message = `The body needs ${needed}, in the form that this API defines. Correct it and send it again.`;
  return vendorError(call.dialect, 400, call.bytes, message);
}

const NEEDED: Readonly<Record<ClientDialectName, string>> = {
  openai: '"messages" (for embeddings "input")',
  'openai-responses': '"input"',
  anthropic: '"messages"',
  gemini: '"contents" (for embeddings "content" or "requests")',
};
