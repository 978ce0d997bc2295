import type { OperationOutput } from '../client/client.ts';
import { limitAmount, limitName } from '../keys/limit-words.ts';
import { actionsText } from './render-explanation.ts';
import { aligned, printable } from './style.ts';
import type { Style } from './style.ts';

type Diagnosis = OperationOutput<'diagnose.run'>;

/** `keyward diagnose`. */
export function renderDiagnosis(told: Diagnosis, style: Style): string {
  const parts = [
    headline(told, style),
    findingsText(told.findings, style),
    limitsText(told),
    callsText(told),
    failuresText(told),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headline({ about, fingerprint, works, findings }: Diagnosis, style: Style): string {
  const unsure = findings.some((finding) => finding.about === 'secret')
    ? 'it may work: it can call only models that are not listed'
    : 'nothing stands against it; its secret was not given';
  const verdict = works === null ? unsure : works ? 'it works' : 'it does not work';
  if (about === null) return style.strong(`${fingerprint ?? 'What was given'}: ${verdict}`);
  const title = style.strong(printable(`${fingerprint ?? about.kid} "${about.name}": ${verdict}`));
  const application = about.applicationName ?? about.applicationId;
  return `${title}\n${aligned([
    ['state', about.state],
    ['application', application],
    ['owner', about.ownerId ?? '-'],
  ])}`;
}

export function findingsText(findings: Diagnosis['findings'], style: Style): string {
  const width = Math.max(...findings.map(({ about }) => about.length));
  return findings
    .map(({ about, outcome, code, text, actions }) => {
      const line = `  ${style.mark(outcome)} ${about.padEnd(width)}  ${printable(text)}${code === null ? '' : ` (${code})`}`;
      return actions.length === 0 ? line : `${line}\n${actionsText(actions)}`;
    })
    .join('\n');
}

function limitsText({ limits }: Diagnosis): string {
  if (limits.length === 0) return '';
  return `Limits\n${aligned(limits.map(({ name, used, limit }) => [limitName(name), `${limitAmount(name, used)} of ${limitAmount(name, limit)} used`]))}`;
}

function callsText({ lastCalls }: Diagnosis): string {
  if (lastCalls.length === 0) return '';
  return `Last calls\n${aligned(lastCalls.map(({ requestId, at, status, code, model }) => [requestId, `${at}  ${status} ${code}  ${model ?? '-'}`]))}`;
}

function failuresText({ failures }: Diagnosis): string {
  if (failures.length === 0) return '';
  return `Failures of the last 30 days\n${aligned(failures.map(({ code, count, lastAt, means }) => [code, `${count}, last ${lastAt}: ${means}`]))}`;
}
