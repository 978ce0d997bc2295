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

/** What Node's parser of arguments refused, in one sentence: its own go on over lines, about its own API. */
export function argumentError(error: unknown, hint = ''): CliError {
  if (!(error instanceof Error)) return usageError(String(error));
  return usageError(`${sentenceOf(error)}${hint}`);
}

function sentenceOf({ message }: Error): string {
  const option = /--[\w-]+/.exec(message)?.[0] ?? 'The option';
  if (message.includes('is ambiguous')) {
    return `${option} needs a value; one that begins with a dash is written as ${option}=VALUE.`;
  }
  if (message.includes('argument missing')) return `${option} needs a value.`;
  if (message.includes('does not take an argument')) return `${option} takes no value.`;
  return `${(message.split(/\. |\n/)[0] ?? '').replace(/\.$/, '')}.`;
}
