/** What a command has of its surroundings; handed in, so that tests can run commands in-process. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether somebody looks on who sees colours; absent: no. */
  readonly color?: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Everything that comes in, until its end. */
  readInput(): Promise<string>;
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  env: process.env,
  color: process.stdout.isTTY && !process.env['NO_COLOR'],
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readInput: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks).toString('utf8');
  },
};
