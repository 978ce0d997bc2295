/** What tells which conversation a call belongs to. */
export interface ConversationFacts {
  /** As the caller names it in a header; null where they do not. */
  readonly session: string | null;
  readonly body: Buffer | null;
  /** Whether to go by the first turns where nothing names the conversation. */
  readonly byFirstTurns: boolean;
}

/** Larger bodies are told apart by their beginning as it was sent. */
const PARSED_BYTES_MAX = 262_144;
const BEGINNING_BYTES = 4_096;

/**
 * A text that is the same for all calls of a conversation, or null: the caller's own name for it
 * (header, or OpenAI's `prompt_cache_key`), else what no later turn changes: the system text and
 * all up to the first turn of the user.
 */
export function conversationOf({ session, body, byFirstTurns }: ConversationFacts): string | null {
  if (session !== null) return `session ${session}`;
  if (body === null || body.length === 0) return null;
  if (!byFirstTurns && !body.includes('prompt_cache_key')) return null;
  if (body.length > PARSED_BYTES_MAX) return byFirstTurns ? body.toString('latin1', 0, BEGINNING_BYTES) : null;
  const root = parse(body);
  const cacheKey = root['prompt_cache_key'];
  if (typeof cacheKey === 'string' && cacheKey !== '') return `cache ${cacheKey}`;
  return byFirstTurns ? firstTurns(root) : null;
}

type Members = Readonly<Record<string, unknown>>;

/** The body was read as strict JSON before; what is not an object has no turns. */
function parse(body: Buffer): Members {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Members) : {};
  } catch {
    return {};
  }
}

/** Chat and Anthropic call them `messages`, Responses `input`, Gemini `contents`. */
function firstTurns(root: Members): string | null {
  const turns = root['messages'] ?? root['contents'] ?? root['input'];
  if (turns === undefined) return null;
  const system = root['system'] ?? root['instructions'] ?? root['systemInstruction'] ?? null;
  if (!Array.isArray(turns)) return JSON.stringify([system, turns]);
  const list = turns as readonly unknown[];
  const firstUser = list.findIndex((turn) => roleOf(turn) === 'user');
  return JSON.stringify([system, firstUser === -1 ? list.slice(0, 1) : list.slice(0, firstUser + 1)]);
}

function roleOf(turn: unknown): unknown {
  return typeof turn === 'object' && turn !== null && 'role' in turn ? turn.role : 'user';
}
