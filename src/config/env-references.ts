/** A text with its `${NAME}` references filled in, or what is wrong with it. Never repeats the text. */
export type ExpandResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

const REFERENCE = /\$\$\{|\$\{([^{}]*)\}?/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Fills in `${NAME}` from the environment; `$${` stands for `${` itself. */
export function expandReferences(text: string, env: Readonly<Record<string, string | undefined>>): ExpandResult {
  let reason: string | null = null;
  const expanded = text.replace(REFERENCE, (match, name: string | undefined) => {
    if (match === '$${') return '${';
    const value = name !== undefined && match.endsWith('}') && NAME.test(name) ? env[name] : null;
    if (value === null)
      reason ??=
        'holds "${" that is not a reference such as ${OPENAI_API_KEY}; write "$${" for the characters themselves';
    if (value === undefined) reason ??= `refers to the environment variable ${name}, which is not set`;
    return value ?? '';
  });
  return reason === null ? { ok: true, text: expanded } : { ok: false, reason };
}
