/**
 * What no provider would take of a conversation that was read well, or not the one that it is written
 * for: said before anything is fetched or paid. Every check throws a RequestFault with the caller's field.
 */
import type { ChatRequest } from './canonical.ts';
import { checkMedia } from './check-media.ts';
import { checkTools } from './check-tools.ts';
import { wrongTypeIn } from './check-schema.ts';
import type { DialectName } from './dialect.ts';
import { RequestFault } from './faults.ts';
import { isRecord } from './record.ts';
import { conversationField } from './turn-path.ts';

/** `target` is the dialect that the request is to be written in. */
export function checkRequest(request: ChatRequest, target: DialectName): void {
  checkNumbers(request, target);
  checkFormat(request, target);
  checkTools(request, target);
  checkConversation(request, target);
  checkMedia(request, target);
}

function checkNumbers(request: ChatRequest, target: DialectName): void {
  // Readers of bodies let a limit of 0 through where it means something; only Anthropic fills its cache by it.
  if (request.outputTokensMax === 0 && target !== 'anthropic')
    throw new RequestFault('max_tokens', '"max_tokens" must be 1 or more: only Anthropic fills a cache with 0.');
  for (const { name, elsewhere, min, max, words } of RANGES) {
    const value = request[name];
    if (value === null || (value >= min && value <= max)) continue;
    const field = request.extraOf === 'gemini' ? `generationConfig.${name}` : elsewhere;
    throw new RequestFault(field, `"${field}" must be ${words}.`);
  }
}

/** JSON has numbers that JavaScript takes for infinite, for example 1e999. */
const FINITE = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE, words: 'a finite number' };

const RANGES = [
  { name: 'temperature', elsewhere: 'temperature', ...FINITE, min: 0, words: 'a number, 0 or more' },
  { name: 'topP', elsewhere: 'top_p', min: 0, max: 1, words: 'a number from 0 to 1' },
  { name: 'presencePenalty', elsewhere: 'presence_penalty', ...FINITE },
  { name: 'frequencyPenalty', elsewhere: 'frequency_penalty', ...FINITE },
] as const;

/** Vendors of OpenAI's dialect have formats of their own, which no other dialect can say. */
function checkFormat({ extraOf, extra, format }: ChatRequest, target: DialectName): void {
  if (extraOf === 'openai' && target !== 'openai' && isRecord(extra['response_format']))
    throw new RequestFault(
      'response_format.type',
      '"response_format.type" must be text, json_object or json_schema for this model.',
    );
  if (format?.kind !== 'json_schema') return;
  const wrong = wrongTypeIn(format.schema);
  if (wrong === null) return;
  const field = SCHEMA_FIELDS[extraOf] ?? 'response_format';
  throw new RequestFault(field, `"${field}": ${wrong}`);
}

const SCHEMA_FIELDS: Readonly<Partial<Record<DialectName, string>>> = {
  openai: 'response_format.json_schema.schema',
  'openai-responses': 'text.format.schema',
  anthropic: 'output_config.format.schema',
  gemini: 'generationConfig.responseSchema',
};

/** A dialect's own provider may know the conversation from elsewhere (Responses). */
function checkConversation(request: ChatRequest, target: DialectName): void {
  const { turns, extraOf } = request;
  if (extraOf === target) return;
  const isApart = extraOf !== 'openai' && turns[0]?.role === 'system';
  const spoken = isApart ? turns.slice(1) : turns;
  const [only] = spoken;
  const isEmptyText = spoken.length === 1 && only?.parts.every((part) => part.kind === 'text' && part.text === '');
  if (spoken.length > 0 && !(extraOf === 'openai-responses' && isEmptyText === true)) return;
  const field = conversationField(request);
  throw new RequestFault(field, `"${field}" is empty: say at least one thing to the model.`);
}
