/** What the tests of requests share. */
import { BLANK_REQUEST } from '../request-fixture.ts';
import type { ChatRequest, Turn } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { RequestFault } from '../faults.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { geminiClient } from './client-codec.ts';
import { geminiProvider } from './provider-codec.ts';

const FACTS = { model: 'google/gemini-9', stream: false };
export const GEMINI_3: TargetModel = { name: 'gemini-3-pro', traits: UNKNOWN_TRAITS };
export const GEMINI_2: TargetModel = { name: 'gemini-2.5-flash', traits: UNKNOWN_TRAITS };
export const USER: Turn = { role: 'user', parts: [{ kind: 'text', text: 'hi' }] };
export const BLANK: ChatRequest = {
  ...BLANK_REQUEST,
  model: 'google/gemini-9',
  turns: [USER],
  extraOf: 'gemini',
};

export function read(body: JsonRecord): ChatRequest {
  return geminiClient.readChat(body, FACTS);
}

export function write(
  changes: Partial<ChatRequest>,
  target = GEMINI_3,
): { readonly body: JsonRecord; readonly told: string[] } {
  const report = new Report();
  const body = geminiProvider.writeChat({ ...BLANK, ...changes }, target, report);
  return { body, told: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

export function faultField(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RequestFault) return error.field;
    throw error;
  }
  return 'no fault';
}
