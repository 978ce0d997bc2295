/**
 * Every error that Keyward answers with, one row each. The code is stable: clients and dashboards
 * select on it. `title` is public and says what to do; what only operators may see goes into
 * `AppError.internal`, which is logged and never sent.
 */

export type ErrorGroup =
  | 'transport'
  | 'syntax'
  | 'identity'
  | 'life-cycle'
  | 'owner'
  | 'subscription'
  | 'scope'
  | 'quota'
  | 'delegation'
  | 'upstream'
  | 'request'
  | 'admin'
  | 'platform';

export interface ErrorRow {
  readonly group: ErrorGroup;
  /** HTTP status of the answer. */
  readonly status: number;
  /** A sentence for the caller: what is wrong and what to do. */
  readonly title: string;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
}

function row(group: ErrorGroup, status: number, title: string, retryable = false): ErrorRow {
  return { group, status, title, retryable };
}

export const ERRORS = {
  // transport: how the key was sent
  missing_credential: row('transport', 401, 'No API key was sent. Send it as "Authorization: Bearer <key>".'),
  multiple_credentials: row('transport', 400, 'Two different API keys were sent in one request. Send exactly one.'),
  credential_in_query: row(
    'transport',
    400,
    'API keys in the URL are not accepted here. Send the key in the Authorization header.',
  ),

  // syntax: told without any knowledge of stored keys
  malformed: row(
    'syntax',
    401,
    'This is not a Keyward API key: it does not have the form kwk_<environment>_<id>_<secret>_<checksum>. Copy the key again.',
  ),
  bad_checksum: row('syntax', 401, 'The API key was mistyped: its checksum does not match. Copy the key again.'),
  truncated: row('syntax', 401, 'The API key is incomplete: its end is missing. Copy the whole key again.'),
  wrong_type: row('syntax', 401, 'This kind of credential is not accepted here. Use an application key (kwk_…).'),
  placeholder_key: row('syntax', 401, 'The API key is a placeholder from an example. Put your own key in its place.'),
  provider_key_sent_to_gateway: row(
    'syntax',
    401,
    "This looks like a provider's own API key. Send a Keyward key (kwk_…) instead, and replace the provider key if it may have leaked.",
  ),

  // identity: one generic answer for all of them (see GENERIC_401)
  unknown_key: row('identity', 401, 'Invalid API key. Check the key, or create a new one.'),
  secret_mismatch: row('identity', 401, 'Invalid API key. Check the key, or create a new one.'),
  wrong_environment: row('identity', 401, 'Invalid API key. Check the key, or create a new one.'),
  wrong_deployment: row('identity', 401, 'Invalid API key. Check the key, or create a new one.'),

  too_many_failures: row(
    'quota',
    429,
    'Too many wrong API keys came from this network. Wait as long as Retry-After says, and check the key.',
    true,
  ),

  // life cycle
  not_yet_active: row(
    'life-cycle',
    401,
    'This API key is not active yet. Use it after its start date, or ask its owner to change the date.',
    true,
  ),
  expired: row('life-cycle', 401, 'This API key has expired. Create a new one, or ask its owner to extend it.'),
  suspended: row('life-cycle', 401, 'This API key is suspended. Ask its owner or an admin to resume it.'),
  revoked: row('life-cycle', 401, 'This API key was revoked. Create a new one.'),
  compromised: row('life-cycle', 401, 'This API key was marked as compromised and no longer works. Create a new one.'),
  superseded: row(
    'life-cycle',
    401,
    'This secret of the API key was replaced and is no longer accepted. Use the new one, or ask the owner of the key for it.',
  ),
  rotation_grace_over: row(
    'life-cycle',
    401,
    'This secret of the API key was replaced, and the time in which both were accepted is over. Use the new one, or ask the owner of the key for it.',
  ),

  suspended_automatically: row(
    'life-cycle',
    401,
    'This API key was suspended by a rule that protects it. Ask its owner or an admin why, and to resume it.',
  ),

  // delegation: keys that were minted from other keys
  delegation_expired: row('delegation', 401, 'This delegated key has expired. Sign or mint a new one.'),
  delegation_too_long: row(
    'delegation',
    401,
    'This delegated key lives longer than the key it comes from allows. Sign one with an earlier "exp".',
  ),
  delegation_widens: row(
    'delegation',
    403,
    'This key asks for more than the key it comes from may do. Ask for the same or less.',
  ),
  unknown_constraint: row(
    'delegation',
    403,
    'This key carries a constraint that is not known here, and leaving it out would widen its rights. Use only documented constraints.',
  ),
  parent_inactive: row(
    'delegation',
    401,
    'The key that this one was minted from is not usable any more. Mint one from a key that is.',
  ),
  minted_before_watermark: row(
    'delegation',
    401,
    'All keys that were delegated before a certain time were ended by the owner. Sign a new one.',
  ),
  replayed: row('delegation', 401, 'This delegated key was ended or used already. Sign a new one.'),

  // owner chain
  owner_missing: row(
    'owner',
    403,
    'The owner of this API key does not exist any more. Ask an admin to give the key another owner.',
  ),
  owner_disabled: row(
    'owner',
    403,
    'The owner of this API key is disabled. Ask an admin to enable them, or to give the key another owner.',
  ),
  owner_not_member: row(
    'owner',
    403,
    'The owner of this API key is no member of the team it belongs to. Ask an admin to add them, or to give the key another owner.',
  ),
  owner_role_lost: row(
    'owner',
    403,
    'The owner of this API key may only look on in its team. Ask an admin to give them a role that may own keys.',
  ),
  owner_record_corrupt: row(
    'owner',
    403,
    'The records of who owns this API key do not fit together. Ask an admin to repair them.',
  ),
  team_disabled: row('owner', 403, 'The team of this API key is disabled. Ask an admin to enable it.'),
  application_disabled: row('owner', 403, 'The application of this API key is disabled. Ask an admin to enable it.'),
  workspace_disabled: row('owner', 403, 'The workspace of this API key is disabled. Ask an operator to enable it.'),

  // subscription
  not_subscribed: row(
    'subscription',
    403,
    'The application of this API key is not subscribed to this model. Ask an admin for a subscription.',
  ),
  subscription_pending: row(
    'subscription',
    403,
    'The subscription of this application is not approved yet. Ask an admin to approve it.',
  ),
  subscription_rejected: row(
    'subscription',
    403,
    'The subscription of this application was rejected. Ask an admin why, or use what the application may call.',
  ),
  subscription_ended: row(
    'subscription',
    403,
    'The subscription of this application has ended. Ask an admin to approve it again.',
  ),

  // scope
  model_denied: row(
    'scope',
    403,
    'This API key may not call this model. Use a model it may call (GET /v1/models lists them), or ask for a wider scope.',
  ),
  operation_denied: row(
    'scope',
    403,
    'This API key may not do this kind of operation. Ask its owner for a wider scope.',
  ),
  endpoint_denied: row('scope', 403, 'This API key may not call this endpoint. Ask its owner for a wider scope.'),
  service_denied: row('scope', 403, 'This API key may not call this service. Ask its owner for a wider scope.'),
  method_denied: row(
    'scope',
    403,
    'This API key may not call this endpoint with this method. Ask its owner for a wider scope.',
  ),
  tool_denied: row('scope', 403, 'This API key may not call this tool. Ask its owner for a wider scope.'),
  country_denied: row(
    'scope',
    403,
    'This API key may not be used from this country. Call from an allowed one, or ask its owner to add this one.',
  ),
  outside_time_window: row(
    'scope',
    403,
    'This API key may not be used at this time. Call inside of its time windows, or ask its owner to widen them.',
  ),
  binding_denied: row(
    'scope',
    403,
    'This temporary key is bound to one session or transaction, which the call must name in x-keyward-session.',
  ),
  address_denied: row(
    'scope',
    403,
    'This API key may not be used from this network address. Call from an allowed network, or ask its owner to add this one.',
  ),

  policy_denied: row(
    'scope',
    403,
    'A policy of this installation refused the call. Ask whoever runs it what the policy allows.',
  ),

  // quota
  rate_limited: row('quota', 429, 'Too many requests with this API key. Wait as long as Retry-After says.', true),
  concurrency_limited: row(
    'quota',
    429,
    'Too many requests with this API key at the same time. Wait for one to finish.',
    true,
  ),

  tokens_limited: row('quota', 429, 'Too many tokens with this API key. Wait as long as Retry-After says.', true),
  uses_exhausted: row('quota', 429, 'This API key was used as often as it may be. Mint or ask for a new one.'),
  budget_exhausted: row(
    'quota',
    429,
    'The budget of this API key is used up for this period. Wait until the next one, or ask for a higher budget.',
  ),
  call_too_expensive: row(
    'quota',
    429,
    'This call is larger than this API key may make at once. Send less, ask for fewer output tokens, or ask for a higher limit.',
  ),
  request_too_large: row(
    'quota',
    413,
    'The body is larger than this API key may send. Send less, or ask the owner of the key for a higher limit.',
  ),
  answer_too_large: row(
    'quota',
    502,
    'The answer is larger than this API key may receive. Ask for less, or ask the owner of the key for a higher limit.',
  ),
  price_unknown: row(
    'quota',
    403,
    'This API key has a budget, and this model has no price here that tells what such a call costs. Use a model that has one, or ask an admin to set the price.',
  ),
  ancestor_exhausted: row(
    'quota',
    429,
    'The key that this one was minted from has nothing left to spend. Ask its owner for a higher limit, or wait for the next period.',
  ),
  keys_exhausted: row(
    'quota',
    429,
    'All temporary keys that this key may have are in use. Wait until one of them ends, revoke some, or ask for a higher limit.',
    true,
  ),

  // upstream: never 401, which would tell the caller that their own key is wrong
  model_not_found: row(
    'upstream',
    404,
    'This model does not exist here. GET /v1/models lists the models this key may call.',
  ),
  provider_not_found: row('upstream', 404, 'This provider does not exist here. An admin can add it.'),
  dialect_unsupported: row(
    'upstream',
    400,
    'This model cannot be called through this API. Use one of the APIs that its provider speaks.',
  ),
  no_credential: row('upstream', 503, 'No credential is set for the provider of this model. An admin can add one.'),
  credential_rejected: row(
    'upstream',
    502,
    'The provider refused the credential that is set for it here. An admin has to replace it.',
  ),
  pool_exhausted: row(
    'upstream',
    503,
    'All credentials of the provider of this model are out of use at the moment. Wait as long as Retry-After says.',
    true,
  ),
  provider_quota: row(
    'upstream',
    429,
    'The provider refused the call: too many requests, or no quota left, for the credential set here. Try again later.',
    true,
  ),
  provider_refused: row('upstream', 400, 'The provider refused the request. Correct it as the provider says.'),
  provider_unavailable: row('upstream', 502, 'The provider could not be reached or broke off. Try again.', true),
  provider_answer_invalid: row('upstream', 502, 'The provider sent an answer that is not valid. Try again.', true),
  provider_timeout: row('upstream', 504, 'The provider did not answer in time. Try again.', true),

  // request: what the door refuses
  invalid_request: row('request', 400, 'The request is not valid HTTP. Correct it and send it again.'),
  invalid_host: row('request', 400, 'The Host header must be one valid host or host:port.'),
  invalid_target: row(
    'request',
    400,
    'The request target is not acceptable: use a plain path without dot segments, backslashes or control characters.',
  ),
  invalid_json: row('request', 400, 'The body is not valid JSON.'),
  invalid_body: row('request', 400, 'The body does not have the form this endpoint needs.'),
  model_missing: row('request', 400, 'The body has no "model". Name one, for example "sandbox/echo".'),
  unsupported_media_type: row('request', 415, 'The body must be JSON: send "Content-Type: application/json".'),
  body_too_large: row('request', 413, 'The body is larger than this gateway accepts.'),
  headers_too_large: row('request', 431, 'The request headers are larger than this gateway accepts.'),
  request_timeout: row('request', 408, 'The request was not received in time.', true),
  path_not_found: row(
    'request',
    404,
    'There is no such path here. The gateway serves /v1/chat/completions, /v1/messages and others: see the documentation.',
  ),
  method_not_allowed: row('request', 405, 'This path does not accept this method.'),
  client_closed: row('request', 499, 'The caller closed the connection before the answer was complete.'),

  // admin API
  unauthenticated: row('admin', 401, 'No valid admin token was sent. Send it as "Authorization: Bearer <token>".'),
  backend_unproven: row(
    'admin',
    401,
    'A real key is given only to a caller that shows the backend token of this installation.',
  ),
  forbidden: row('admin', 403, 'This admin token does not have the permission that this needs.'),
  not_found: row('admin', 404, 'There is no such thing here.'),
  validation_failed: row('admin', 422, 'The input is not valid.'),
  minting_denied: row(
    'admin',
    409,
    'No temporary keys may be minted from this key. Allow it with the minting settings of the key, or use another one.',
  ),
  leak_report_refused: row(
    'admin',
    401,
    'This report is not signed by anybody who may report leaked keys here. An operator configures who may.',
  ),
  leak_report_malformed: row(
    'admin',
    422,
    'This report does not have the form that is expected. See the guide on leaks.',
  ),
  leak_reports_limited: row(
    'admin',
    429,
    'Too many reports came from this network. Wait as long as Retry-After says.',
    true,
  ),
  conflict: row('admin', 409, 'This cannot be done in the present state.'),
  declared_in_file: row('admin', 409, 'This is declared in the configuration file and can only be changed there.'),

  // platform
  key_store_unavailable: row('platform', 503, 'Keys cannot be checked at the moment. Try again.', true),
  configuration_error: row('platform', 503, 'The gateway is not configured correctly. An operator has to look at it.'),
  overloaded: row('platform', 503, 'The gateway has no room for another call at the moment. Try again.', true),
  shutting_down: row('platform', 503, 'The gateway is shutting down. Try again.', true),
  internal_error: row(
    'platform',
    500,
    'Something went wrong inside the gateway. The request id finds it in the log.',
    true,
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * What the caller is told for every reason of the `identity` group, so that nobody can learn from
 * the answer whether a key id exists.
 */
export const GENERIC_401 = { code: 'invalid_api_key', status: 401, title: ERRORS.unknown_key.title } as const;

export interface AppErrorOptions {
  /** Replaces the row's title for the caller: still public text. */
  readonly message?: string;
  /** For operators only: logged, never sent. Must hold no secret. */
  readonly internal?: string;
  /** Public, structured details (for example the fields that failed validation). */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** An error with a row in {@link ERRORS}. Expected outcomes are returned instead, as values. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly internal: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.internal = options.internal;
    this.details = options.details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
