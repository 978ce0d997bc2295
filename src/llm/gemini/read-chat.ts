/** A request of a Gemini client (https://ai.google.dev/api/generate-content). */
import type { ChatRequest } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import { anyMember, pathOf, textMember } from '../request-members.ts';
import { placeAt, placeMember, placesMember } from './members.ts';
import { readConfig } from './read-config.ts';
import { readContent, readInstruction } from './read-content.ts';
import { readToolChoice, readTools } from './read-tools.ts';

const KNOWN = new Set(['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig']);

/** Reads a body; one that asks for a count of tokens may hold the request as `generateContentRequest`. */
export function readChat(body: JsonRecord, facts: RequestFacts): ChatRequest {
  const outer = placeAt(body, '');
  const isNested = isRecord(outer.value['generateContentRequest']);
  return read(isNested ? placeMember(outer, 'generateContentRequest') : outer, facts);
}

function read(place: Place, facts: RequestFacts): ChatRequest {
  const contents = placesMember(place, 'contents', readContent);
  const instruction = anyMember(place, 'systemInstruction') === undefined ? [] : [readInstruction(place)];
  if (contents.length === 0) {
    const field = pathOf(place, 'contents');
    throw new RequestFault(field, `"${field}" is missing: give at least one content.`);
  }
  const toolChoice = readToolChoice(place);
  const config = readConfig(place);
  return {
    model: facts.model ?? modelOf(place),
    stream: facts.stream,
    wantsStreamUsage: true,
    turns: [...instruction, ...contents],
    tools: readTools(place),
    toolChoice: toolChoice.choice,
    parallelToolCalls: null,
    ...config,
    logitBias: null,
    user: null,
    cacheKey: null,
    extra: { ...otherMembers(place.value, KNOWN), ...config.extra, ...toolChoice.extra },
    extraOf: 'gemini',
  };
}

function modelOf(place: Place): string {
  const model = textMember(place, 'model');
  if (model === null || model === '')
    throw new RequestFault('model', 'The path names no model: use /v1beta/models/{model}:generateContent.');
  return model.startsWith('models/') ? model.slice('models/'.length) : model;
}
