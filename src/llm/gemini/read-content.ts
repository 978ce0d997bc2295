/** `contents` and `systemInstruction` of a caller. */
import type { MediaPart, Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { otherMembers, within } from '../record.ts';
import type { Place } from '../request-members.ts';
import { booleanMember, extraMember, pathOf, recordMember, textMember } from '../request-members.ts';
import { readFileData, readInlineData } from './media.ts';
import { filledText, placesMember, requiredPlace } from './members.ts';
import { openThoughtSignature } from './thought-signature.ts';
import { readResponse } from './tool-result.ts';

const CONTENT = new Set(['role', 'parts']);

/** The turn of one of `contents`. */
export function readContent(content: Place): Turn {
  const role = roleOf(textMember(content, 'role'), pathOf(content, 'role'));
  const parts = placesMember(content, 'parts', readPart);
  const results = parts.filter(({ kind }) => kind === 'tool_result');
  const others = parts.filter(({ kind }) => kind !== 'tool_result');
  return { role, parts: [...results, ...others], ...extraMember(otherMembers(content.value, CONTENT)) };
}

/** The turn for the `systemInstruction`; its role says nothing. */
export function readInstruction(place: Place): Turn {
  const text = place.value['systemInstruction'];
  if (typeof text === 'string') return { role: 'system', parts: [{ kind: 'text', text }] };
  const content = requiredPlace(place, 'systemInstruction');
  const parts = placesMember(content, 'parts', readPart);
  return { role: 'system', parts, ...extraMember(otherMembers(content.value, CONTENT)) };
}

/** `function` is what results were sent as in the API's first version. */
function roleOf(role: string | null, field: string): Turn['role'] {
  if (role === null || role === 'user' || role === 'function' || role === '') return 'user';
  if (role === 'model') return 'assistant';
  throw new RequestFault(field, `"${field}" must be "user" or "model"; instructions belong in "systemInstruction".`);
}

const TEXT = new Set(['text', 'thought', 'thoughtSignature']);
const MEDIA = new Set(['inlineData', 'fileData', 'thought', 'thoughtSignature']);
const CALL = new Set(['functionCall', 'thought', 'thoughtSignature']);
const CALL_MEMBERS = new Set(['id', 'name', 'args']);
const RESULT = new Set(['functionResponse', 'thought', 'thoughtSignature']);
const RESULT_MEMBERS = new Set(['id', 'name', 'response', 'parts']);

function readPart(part: Place): Part {
  const { value, path } = part;
  const text = textMember(part, 'text');
  const isThought = booleanMember(part, 'thought') === true;
  if (text !== null) return isThought ? readThought(part, text) : readText(part, text);
  if (value['functionCall'] !== undefined) return readCall(part);
  if (value['functionResponse'] !== undefined) return readResult(part);
  // A thought that is an image has no other form.
  if (!isThought && isMedia(part)) return readMediaPart(part);
  if (Object.keys(value).length > 0) return { kind: 'opaque', of: 'gemini', value };
  throw new RequestFault(path, `"${path}" is empty: give it a "text" or other content.`);
}

function readText(part: Place, text: string): Part {
  return { kind: 'text', text, ...signatureOf(part), ...extraMember(otherMembers(part.value, TEXT)) };
}

function readThought(part: Place, text: string): Part {
  const sealed = textMember(part, 'thoughtSignature');
  const extra = extraMember(otherMembers(part.value, TEXT));
  if (sealed === null) return { kind: 'thinking', text, signature: null, ...extra };
  const { signature, redacted } = openThoughtSignature(sealed);
  return { kind: 'thinking', text, signature, ...(redacted ? { redacted } : {}), ...extra };
}

function signatureOf(part: Place) {
  const sealed = textMember(part, 'thoughtSignature');
  return sealed === null ? {} : { signature: openThoughtSignature(sealed).signature };
}

function readCall(part: Place): Part {
  const call = requiredPlace(part, 'functionCall');
  return {
    kind: 'tool_call',
    id: textMember(call, 'id') ?? '',
    name: filledText(call, 'name'),
    arguments: JSON.stringify(recordMember(call, 'args')?.value ?? {}),
    ...signatureOf(part),
    ...extraMember({
      ...otherMembers(part.value, CALL),
      ...within('functionCall', otherMembers(call.value, CALL_MEMBERS)),
    }),
  };
}

function readResult(part: Place): Part {
  const result = requiredPlace(part, 'functionResponse');
  const { texts, isError } = readResponse(recordMember(result, 'response')?.value ?? {});
  const media = placesMember(result, 'parts', readResultMedia);
  return {
    kind: 'tool_result',
    callId: textMember(result, 'id') ?? '',
    name: filledText(result, 'name'),
    parts: [...texts, ...media],
    isError,
    ...extraMember({
      ...otherMembers(part.value, RESULT),
      ...within('functionResponse', otherMembers(result.value, RESULT_MEMBERS)),
    }),
  };
}

function readResultMedia(part: Place): Part {
  return isMedia(part) ? readMediaPart(part) : { kind: 'opaque', of: 'gemini', value: part.value };
}

function isMedia({ value }: Place): boolean {
  return (value['inlineData'] ?? value['fileData']) !== undefined;
}

function readMediaPart(part: Place): MediaPart {
  const name = part.value['inlineData'] === undefined ? 'fileData' : 'inlineData';
  const source = requiredPlace(part, name);
  const { extra, ...media } = name === 'inlineData' ? readInlineData(source) : readFileData(source);
  const inner = within(name, extra ?? {});
  return { ...media, ...signatureOf(part), ...extraMember({ ...otherMembers(part.value, MEDIA), ...inner }) };
}
