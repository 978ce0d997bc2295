/** One field that the server did not accept. */
export interface ProblemField {
  readonly in: 'path' | 'query' | 'body';
  readonly field: string;
  readonly message: string;
}

export interface AdminApiProblem {
  readonly status: number;
  /** Stable. */
  readonly code: string;
  readonly message: string;
  /** Finds the call in the server's log. */
  readonly requestId: string | null;
  readonly fields: readonly ProblemField[];
}

/** The admin API answered with an error. */
export class AdminApiError extends Error implements AdminApiProblem {
  override readonly name = 'AdminApiError';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly fields: readonly ProblemField[];

  constructor({ status, code, message, requestId, fields }: AdminApiProblem) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.fields = fields;
  }
}

/** Nothing answered. */
export class AdminUnreachableError extends Error {
  override readonly name = 'AdminUnreachableError';
  readonly baseUrl: string;

  constructor(baseUrl: string, cause: unknown) {
    super(`Nothing answers at ${baseUrl}.`, { cause });
    this.baseUrl = baseUrl;
  }
}
