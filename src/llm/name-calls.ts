import type { ChatRequest, Part, Turn } from './canonical.ts';

/**
 * Gives names to the calls of a conversation whose client has none (Gemini's may leave them out), and
 * to their results by the order in which the calls of that name still wait for one.
 */
export function nameCallsOf(request: ChatRequest): ChatRequest {
  if (!request.turns.some(({ parts }) => parts.some(isNameless))) return request;
  const waiting: { readonly id: string; readonly name: string }[] = [];
  let ordinal = 0;
  const named = (part: Part): Part => {
    if (part.kind === 'tool_call') {
      const id = part.id === '' ? `call_${ordinal++}` : part.id;
      waiting.push({ id, name: part.name });
      return { ...part, id };
    }
    if (part.kind !== 'tool_result') return part;
    const at = waiting.findIndex(({ id, name }) => (part.callId === '' ? name === part.name : id === part.callId));
    const [found] = at < 0 ? [] : waiting.splice(at, 1);
    return part.callId === '' ? { ...part, callId: found?.id ?? `call_${ordinal++}` } : part;
  };
  return { ...request, turns: request.turns.map((turn): Turn => ({ ...turn, parts: turn.parts.map(named) })) };
}

function isNameless(part: Part): boolean {
  return (part.kind === 'tool_call' && part.id === '') || (part.kind === 'tool_result' && part.callId === '');
}
