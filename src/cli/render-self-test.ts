import type { OperationOutput } from '../client/client.ts';
import { actionsText } from './render-explanation.ts';
import { printable } from './style.ts';
import type { Style } from './style.ts';
import type { Shown } from './views.ts';

type SelfTest = OperationOutput<'keys.test'>;

/** Of the longest step's name: known before the steps are. */
const NAME_WIDTH = 'life-cycle'.length;

/** `keyward keys test`: a step a line, as each is done. */
export function renderSelfTestStep(step: SelfTest['steps'][number], style: Style): string {
  return `${stepText(step, style)}\n`;
}

/** What comes after the steps; a step that failed makes the command fail. */
export function renderSelfTestEnd(told: SelfTest, style: Style): Shown {
  const { fingerprint, failed, requestId, model, complete } = told;
  const ending =
    failed === null
      ? `${fingerprint} ${complete ? `works: ${model ?? ''} answered` : 'would work, as far as can be said without a call'}.`
      : null;
  const record = requestId === null ? '' : `\nRecord: keyward calls show ${requestId}`;
  const text = `${ending === null ? '' : `\n${style.strong(printable(ending))}`}${record}\n`;
  return failed === null ? { text } : { text, failure: `The step "${failed}" failed.` };
}

function stepText({ name, outcome, code, text, actions, ms }: SelfTest['steps'][number], style: Style): string {
  const line = `  ${style.mark(outcome)} ${name.padEnd(NAME_WIDTH)}  ${printable(text)}${code === null ? '' : ` (${code})`}${ms >= 1 ? `  ${Math.round(ms)} ms` : ''}`;
  return actions.length === 0 ? line : `${line}\n${actionsText(actions)}`;
}
