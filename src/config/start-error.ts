/**
 * Why the program does not start, in words for whoever starts it: one sentence that says what is
 * wrong and one that says what to do. Never holds a secret.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}
