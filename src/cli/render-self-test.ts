import type { OperationOutput } from '../client/client.ts';
import { actionsText } from './render-explanation.ts';
import { printable } from './style.ts';
import type { Style } from './style.ts';
import type { Shown } from './views.ts';

type SelfTest = OperationOutput<'keys.test'>;

/** `keyward keys test`: a step a line; a step that failed makes the command fail. */
export function renderSelfTest(told: SelfTest, style: Style): Shown {
  const { fingerprint, failed, requestId, model, complete } = told;
  const ending =
    failed === null
      ? `${fingerprint} ${complete ? `works: ${model ?? ''} answered` : 'would work, as far as can be said without a call'}.`
      : null;
  const record = requestId === null ? '' : `\nRecord: keyward calls show ${requestId}`;
  const text = `${stepsText(told.steps, style)}\n${ending === null ? '' : `\n${style.strong(printable(ending))}`}${record}\n`;
  return failed === null ? { text } : { text, failure: `The step "${failed}" failed.` };
}

export function stepsText(steps: SelfTest['steps'], style: Style): string {
  const width = Math.max(...steps.map(({ name }) => name.length));
  return steps
    .map(({ name, outcome, code, text, actions, ms }) => {
      const line = `  ${style.mark(outcome)} ${name.padEnd(width)}  ${printable(text)}${code === null ? '' : ` (${code})`}${ms >= 1 ? `  ${Math.round(ms)} ms` : ''}`;
      return actions.length === 0 ? line : `${line}\n${actionsText(actions)}`;
    })
    .join('\n');
}
