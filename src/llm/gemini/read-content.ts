/** `contents` and `systemInstruction` of a caller. */
import type { MediaPart, Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { readFileData, readInlineData } from './media.ts';
import {
  extraMember,
  memberFlag,
  memberList,
  memberObject,
  memberText,
  membersOf,
  objectAt,
  requiredText,
  restOf,
} from './members.ts';
import { openThoughtSignature } from './thought-signature.ts';
import { readResponse } from './tool-result.ts';

const CONTENT = new Set(['role', 'parts']);

/** The turn of one of `contents`. */
export function readContent(value: unknown, field: string): Turn {
  const members = objectAt(value, field);
  const role = roleOf(memberText(members, 'role', `${field}.`), `${field}.role`);
  const parts = readParts(members, field);
  const results = parts.filter(({ kind }) => kind === 'tool_result');
  const others = parts.filter(({ kind }) => kind !== 'tool_result');
  return { role, parts: [...results, ...others], ...extraMember(restOf(members, CONTENT)) };
}

/** The turn for a `systemInstruction`; its role says nothing. */
export function readInstruction(value: unknown, field: string): Turn {
  if (typeof value === 'string') return { role: 'system', parts: [{ kind: 'text', text: value }] };
  const members = objectAt(value, field);
  return { role: 'system', parts: readParts(members, field), ...extraMember(restOf(members, CONTENT)) };
}

/** `function` is what results were sent as in the API's first version. */
function roleOf(role: string | null, field: string): Turn['role'] {
  if (role === null || role === 'user' || role === 'function' || role === '') return 'user';
  if (role === 'model') return 'assistant';
  throw new RequestFault(field, `"${field}" must be "user" or "model"; instructions belong in "systemInstruction".`);
}

function readParts(members: JsonRecord, field: string): readonly Part[] {
  return memberList(members, 'parts', `${field}.`).map((part, index) => readPart(part, `${field}.parts[${index}]`));
}

const TEXT = new Set(['text', 'thought', 'thoughtSignature']);
const MEDIA = new Set(['inlineData', 'fileData', 'thought', 'thoughtSignature']);
const CALL = new Set(['functionCall', 'thought', 'thoughtSignature']);
const CALL_MEMBERS = new Set(['id', 'name', 'args']);
const RESULT = new Set(['functionResponse', 'thought', 'thoughtSignature']);
const RESULT_MEMBERS = new Set(['id', 'name', 'response', 'parts']);

function readPart(value: unknown, field: string): Part {
  const members = objectAt(value, field);
  const path = `${field}.`;
  const text = memberText(members, 'text', path);
  const isThought = memberFlag(members, 'thought', path) === true;
  if (text !== null) return isThought ? readThought(members, text, path) : readText(members, text, path);
  if (members['functionCall'] !== undefined) return readCall(members, path);
  if (members['functionResponse'] !== undefined) return readResult(members, path);
  // A thought that is an image has no other form.
  if (!isThought && (members['inlineData'] ?? members['fileData']) !== undefined) return readMediaPart(members, path);
  if (Object.keys(members).length > 0) return { kind: 'opaque', of: 'gemini', value: members };
  throw new RequestFault(field, `"${field}" is empty: give it a "text" or other content.`);
}

function readText(members: JsonRecord, text: string, path: string): Part {
  return { kind: 'text', text, ...signatureOf(members, path), ...extraMember(restOf(members, TEXT)) };
}

function readThought(members: JsonRecord, text: string, path: string): Part {
  const sealed = memberText(members, 'thoughtSignature', path);
  const extra = extraMember(restOf(members, TEXT));
  if (sealed === null) return { kind: 'thinking', text, signature: null, ...extra };
  const { signature, redacted } = openThoughtSignature(sealed);
  return { kind: 'thinking', text, signature, ...(redacted ? { redacted } : {}), ...extra };
}

function signatureOf(members: JsonRecord, path: string) {
  const sealed = memberText(members, 'thoughtSignature', path);
  return sealed === null ? {} : { signature: openThoughtSignature(sealed).signature };
}

function readCall(members: JsonRecord, path: string): Part {
  const callPath = `${path}functionCall.`;
  const call = objectAt(members['functionCall'], `${path}functionCall`);
  return {
    kind: 'tool_call',
    id: memberText(call, 'id', callPath) ?? '',
    name: requiredText(call, 'name', callPath),
    arguments: JSON.stringify(memberObject(call, 'args', callPath) ?? {}),
    ...signatureOf(members, path),
    ...extraMember({ ...restOf(members, CALL), ...within('functionCall', restOf(call, CALL_MEMBERS)) }),
  };
}

function readResult(members: JsonRecord, path: string): Part {
  const resultPath = `${path}functionResponse.`;
  const result = objectAt(members['functionResponse'], `${path}functionResponse`);
  const { texts, isError } = readResponse(memberObject(result, 'response', resultPath) ?? {});
  const media = memberList(result, 'parts', resultPath).map((part, index) =>
    readResultMedia(part, `${resultPath}parts[${index}]`),
  );
  return {
    kind: 'tool_result',
    callId: memberText(result, 'id', resultPath) ?? '',
    name: requiredText(result, 'name', resultPath),
    parts: [...texts, ...media],
    isError,
    ...extraMember({ ...restOf(members, RESULT), ...within('functionResponse', restOf(result, RESULT_MEMBERS)) }),
  };
}

function within(name: string, record: JsonRecord): JsonRecord {
  return Object.keys(record).length === 0 ? {} : { [name]: record };
}

function readResultMedia(value: unknown, field: string): Part {
  const members = objectAt(value, field);
  if ((members['inlineData'] ?? members['fileData']) !== undefined) return readMediaPart(members, `${field}.`);
  return { kind: 'opaque', of: 'gemini', value: members };
}

function readMediaPart(members: JsonRecord, path: string): MediaPart {
  const inline = memberObject(members, 'inlineData', path);
  const part =
    inline === null
      ? readFileData(membersOf(memberObject(members, 'fileData', path) ?? {}), `${path}fileData.`)
      : readInlineData(membersOf(inline), `${path}inlineData.`);
  const inner = isRecord(part.extra) ? within(inline === null ? 'fileData' : 'inlineData', part.extra) : {};
  const { extra: _, ...media } = part;
  return { ...media, ...signatureOf(members, path), ...extraMember({ ...restOf(members, MEDIA), ...inner }) };
}
