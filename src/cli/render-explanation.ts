import type { OperationOutput } from '../client/client.ts';
import { aligned, printable } from './style.ts';
import type { Style } from './style.ts';

type Explanation = OperationOutput<'explain.read'>;
type Decision = NonNullable<Explanation['now']> | NonNullable<Explanation['decision']>;
type Action = Decision['wayOut']['actions'][number];

/** `keyward explain`. */
export function renderExplanation(told: Explanation, style: Style): string {
  const { caller, asked, upstream } = told;
  const facts = aligned([
    ['request', `${told.requestId}, ${told.at}`],
    [
      'key',
      [caller.fingerprint ?? 'none that could be read', caller.name && `"${caller.name}"`, caller.state]
        .filter(Boolean)
        .join(', '),
    ],
    ['application', caller.applicationName ?? caller.applicationId ?? '-'],
    ['owner', caller.ownerId ?? '-'],
    ['asked', `${asked.method} ${asked.path}${asked.model === null ? '' : `, model ${asked.model}`}`],
    [
      'from',
      [caller.address, caller.country, caller.session && `session ${caller.session}`].filter(Boolean).join(', '),
    ],
    ...(upstream === null ? [] : [['upstream', upstreamText(upstream)] as const]),
    ['answered', `${told.status} ${told.code}`],
  ]);
  const parts = [
    style.strong(printable(told.summary)),
    facts,
    `${printable(told.means)}${told.todo.map((line) => `\n  - ${printable(line)}`).join('')}`,
    told.decisionNote === null ? '' : printable(told.decisionNote),
    told.decision === null
      ? ''
      : decisionText('The decision, repeated on what was logged', told.decision, style, told.configVersion),
    told.now === null ? '' : nowText(told.now, told.decision, style),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function upstreamText(upstream: NonNullable<Explanation['upstream']>): string {
  const { provider, model, status, code, requestId, attempts } = upstream;
  const answer = status === null ? 'no answer' : `answered ${status}${code === null ? '' : ` ${printable(code)}`}`;
  const tries = attempts === 1 ? '' : `, ${attempts} attempts`;
  return `${provider}${model === null ? '' : `/${model}`}, ${answer}${tries}${requestId === null ? '' : `, its request ${requestId}`}`;
}

function decisionText(title: string, decision: Decision, style: Style, configVersion: number): string {
  const sameCode = 'sameCode' in decision && !decision.sameCode ? ' The record has another code.' : '';
  const head = `${style.strong(title)} (${decision.at}, configuration ${configVersion}, revision ${decision.keyRevision} of the key): ${decision.code}.${sameCode}`;
  return [head, checksText(decision, style), wayOutText(decision)].filter((part) => part !== '').join('\n');
}

/** Every check with its mark, the blocking one first to be named. */
export function checksText({ checks, failed }: Pick<Decision, 'checks' | 'failed'>, style: Style): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .flatMap(({ name, outcome, detail, code, wouldPassIf, whoCanChange }) => {
      const blocking = name === failed[0] ? ', blocks first' : '';
      const line = `  ${style.mark(outcome)} ${name.padEnd(width)}  ${printable(detail)}${code === null ? '' : ` (${code}${blocking})`}`;
      if (wouldPassIf === null) return [line];
      const who = whoCanChange === null ? '' : ` (${whoCanChange})`;
      return [line, `    ${' '.repeat(width)}  would pass if ${printable(wouldPassIf)}${who}`];
    })
    .join('\n');
}

function wayOutText({ wayOut, allowed }: Decision): string {
  if (allowed) return '';
  const { actions, wouldPass } = wayOut;
  if (actions.length === 0) return '  Nothing that can be changed would make it pass.';
  const last = wouldPass
    ? 'With all of it done, the call would pass.'
    : 'Even with all of it done, the call would not pass.';
  return `  To do:\n${actionsText(actions)}\n  ${last}`;
}

export function actionsText(actions: readonly Action[]): string {
  return actions
    .map(({ what, who, request }) => {
      const call =
        request === null ? '' : `\n      ${request.method} /api/v1${request.path} ${JSON.stringify(request.body)}`;
      return `    - ${printable(what)}${who === null ? '' : ` (${who})`}${printableCall(call)}`;
    })
    .join('\n');
}

/** The line break before it is ours. */
function printableCall(call: string): string {
  return call === '' ? '' : `\n${printable(call.slice(1))}`;
}

function nowText(now: NonNullable<Explanation['now']>, before: Explanation['decision'], style: Style): string {
  const same = before !== null && before.code === now.code;
  if (now.allowed) return `${style.strong('And now?')} ${style.mark('pass')} It would pass: ${now.assumes}.`;
  if (same) return `${style.strong('And now?')} ${style.mark('fail')} The same: ${now.code}.`;
  return decisionText(`And now? ${now.assumes}`, now, style, now.configVersion);
}
