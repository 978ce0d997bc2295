/** A request of a Gemini client (https://ai.google.dev/api/generate-content). */
import type { ChatRequest } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { memberList, memberText, membersOf, restOf } from './members.ts';
import { readConfig } from './read-config.ts';
import { readContent, readInstruction } from './read-content.ts';
import { readToolChoice, readTools } from './read-tools.ts';

const KNOWN = new Set(['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig']);

/** Reads a body; one that asks for a count of tokens may hold the request as `generateContentRequest`. */
export function readChat(body: JsonRecord, facts: RequestFacts): ChatRequest {
  const outer = membersOf(body);
  const nested = outer['generateContentRequest'];
  return isRecord(nested) ? read(membersOf(nested), facts, 'generateContentRequest.') : read(outer, facts, '');
}

function read(members: JsonRecord, facts: RequestFacts, path: string): ChatRequest {
  const { systemInstruction } = members;
  const contents = memberList(members, 'contents', path).map((content, index) =>
    readContent(content, `${path}contents[${index}]`),
  );
  const instruction =
    systemInstruction === undefined ? [] : [readInstruction(systemInstruction, `${path}systemInstruction`)];
  if (contents.length === 0)
    throw new RequestFault(`${path}contents`, `"${path}contents" is missing: give at least one content.`);
  const toolChoice = readToolChoice(members, path);
  const config = readConfig(members, path);
  return {
    model: facts.model ?? modelOf(members, path),
    stream: facts.stream,
    wantsStreamUsage: true,
    turns: [...instruction, ...contents],
    tools: readTools(members, path),
    toolChoice: toolChoice.choice,
    parallelToolCalls: null,
    ...config,
    logitBias: null,
    user: null,
    cacheKey: null,
    extra: { ...restOf(members, KNOWN), ...config.extra, ...toolChoice.extra },
    extraOf: 'gemini',
  };
}

function modelOf(members: JsonRecord, path: string): string {
  const model = memberText(members, 'model', path);
  if (model === null || model === '')
    throw new RequestFault('model', 'The path names no model: use /v1beta/models/{model}:generateContent.');
  return model.startsWith('models/') ? model.slice('models/'.length) : model;
}
