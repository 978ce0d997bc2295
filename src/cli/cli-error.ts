/** A command that cannot be done; the message is the one line that is shown. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { readonly exitCode?: 1 | 2; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A command that was called wrongly. */
export function usageError(message: string): CliError {
  return new CliError(message, { exitCode: 2 });
}
