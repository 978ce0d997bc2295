import type { StreamError } from './canonical.ts';

/**
 * The caller's request cannot be understood, or not be served by the model that it names. The
 * message is a public sentence that says what to do.
 */
export class RequestFault extends Error {
  /** Where in the body, for example `messages[2].content[0].type`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = 'RequestFault';
    this.field = field;
  }
}

/** A provider tells an error as its answer, behind a good status. */
export class ToldFault extends Error {
  readonly told: StreamError;

  constructor(told: StreamError) {
    super(told.message);
    this.name = 'ToldFault';
    this.told = told;
  }
}

/** A provider's answer is not what its dialect says: for the log, not for the caller. */
export class AnswerFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AnswerFault';
  }
}
