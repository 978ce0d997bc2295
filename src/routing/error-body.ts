/** What the vendors' forms of an error body have in common. */
export interface ErrorBody {
  readonly message: string | null;
  readonly type: string | null;
  readonly code: string | null;
  /** Google's `ErrorInfo.reason`. */
  readonly reasons: readonly string[];
  /** Google's `RetryInfo.retryDelay`, such as `34.4s`. */
  readonly retryDelay: string | null;
  /** Google's `QuotaFailure`: which limits, such as `GenerateRequestsPerMinutePerProjectPerModel-FreeTier`. */
  readonly quotaIds: readonly string[];
  /** Whether a limit for a day is used up. */
  readonly isDaily: boolean;
  /** Whether the text was refused by a moderation in front of the model (OpenRouter). */
  readonly isModerated: boolean;
  /** Headers of the provider behind a router (OpenRouter's `metadata.headers`): lower-case name, value pairs. */
  readonly headers: readonly string[];
}

const BODY_BYTES_MAX = 65_536;
const TEXT_LENGTH_MAX = 1_000;
/** Of any list in a body. */
const ITEMS_MAX = 20;

/** Reads any of the forms; what is not there is null. */
export function readErrorBody(body: Uint8Array, headers: readonly string[]): ErrorBody {
  const root = membersOf(firstOf(parse(body)));
  const error = membersOf(root['error']);
  const details = listOf(error['details']).map(membersOf);
  const metadata = membersOf(error['metadata']);
  const quotaIds = details
    .flatMap((detail) => listOf(detail['violations']))
    .flatMap((violation) => textOf(membersOf(violation)['quotaId']) ?? []);
  return {
    message: messageOf(root, error),
    type: textOf(error['type']) ?? textOf(error['status']) ?? bedrockType(headers) ?? vllmType(root),
    code: codeOf(root, error),
    reasons: details.flatMap((detail) => textOf(detail['reason']) ?? []),
    retryDelay: details.map((detail) => textOf(detail['retryDelay'])).find((delay) => delay !== null) ?? null,
    quotaIds,
    isDaily: quotaIds.some((id) => id.includes('PerDay')),
    isModerated: listOf(metadata['reasons']).length > 0 && metadata['flagged_input'] !== undefined,
    headers: headersOf(membersOf(metadata['headers'])),
  };
}

/** Whether the limit is one of the model and not of the whole account. */
export function isPerModel({ quotaIds, message, type }: ErrorBody, model: string | null): boolean {
  if (quotaIds.length > 0) return quotaIds.every((id) => id.includes('PerModel'));
  // "Rate limits are measured … separately for each model": https://docs.claude.com/en/api/rate-limits
  if (type === 'rate_limit_error') return true;
  return model !== null && message !== null && message.includes(model);
}

type Members = Readonly<Record<string, unknown>>;

const NO_MEMBERS: Members = Object.freeze({});

function parse(body: Uint8Array): unknown {
  if (body.length === 0 || body.length > BODY_BYTES_MAX) return null;
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null; // a page of something in between: its status alone speaks
  }
}

/** Google wraps the error of a stream that is no event stream into an array. */
function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? (value as readonly unknown[])[0] : value;
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : NO_MEMBERS;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, ITEMS_MAX) : [];
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_LENGTH_MAX) : null;
}

/** OpenAI, Anthropic, Google, OpenRouter: `error.message`; Cohere, Bedrock: `message`; Voyage: `detail`; some: a bare text. */
function messageOf(root: Members, error: Members): string | null {
  return (
    textOf(error['message']) ??
    textOf(root['message']) ??
    textOf(root['Message']) ??
    textOf(root['error']) ??
    textOf(root['detail']) ??
    textOf(membersOf(listOf(root['detail'])[0])['msg'])
  );
}

/** Anthropic's finer code is in its details, Azure's in an inner error. A number only repeats the status. */
function codeOf(root: Members, error: Members): string | null {
  const inner = textOf(membersOf(error['details'])['error_code']) ?? textOf(membersOf(error['innererror'])['code']);
  const code = error['code'] ?? root['code'];
  return inner ?? (typeof code === 'string' ? textOf(code) : null);
}

/** `ThrottlingException:http://internal.amazon.com/…`: the name in front of the colon. */
function bedrockType(headers: readonly string[]): string | null {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text === 'x-amzn-errortype');
  return at === -1 ? null : textOf(headers[at + 1]?.split(':')[0]);
}

function vllmType(root: Members): string | null {
  return root['type'] === 'error' ? null : textOf(root['type']);
}

function headersOf(headers: Members): readonly string[] {
  return Object.entries(headers)
    .slice(0, ITEMS_MAX)
    .flatMap(([name, value]) => {
      const text = textOf(value);
      return text === null ? [] : [name.toLowerCase(), text];
    });
}
