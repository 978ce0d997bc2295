import type { OperationOutput } from '../client/client.ts';
import { checksText } from './render-explanation.ts';
import { aligned, printable } from './style.ts';
import type { Style } from './style.ts';

type Exposure = OperationOutput<'keys.exposure'>;
type Use = Exposure['models'][number];

/** `keyward keys exposure`. */
export function renderExposure(told: Exposure, style: Style): string {
  const { kid, since, until, total, newAddresses } = told;
  const head = style.strong(`What ${kid} did from ${since} to ${until}`);
  if (total === null) return `${head}\n\n  It made no call.\n`;
  const parts = [
    `${head}\n${aligned([
      ['in all', useText(total)],
      ['new addresses', newAddresses.join(', ') || 'none'],
    ])}`,
    ...(['models', 'endpoints', 'addresses', 'countries', 'sessions', 'outcomes'] as const).map((name) =>
      usesText(name, told[name]),
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function usesText(name: string, uses: readonly Use[]): string {
  const named = uses.filter(({ value }) => value !== '');
  if (named.length === 0) return '';
  return `${name}\n${aligned(named.map((use) => [printable(use.value), useText(use)]))}`;
}

function useText({ calls, failedCalls, inputTokens, outputTokens, costNanoUsd, firstAt, lastAt }: Use): string {
  const failed = failedCalls === 0 ? '' : ` (${failedCalls} failed)`;
  const cost = costNanoUsd === 0 ? '' : `, ${(costNanoUsd / 1e9).toFixed(4)} USD`;
  return `${calls} calls${failed}, ${inputTokens} + ${outputTokens} tokens${cost}, ${firstAt} to ${lastAt}`;
}

/** `keyward keys verify`. */
export function renderVerification(told: OperationOutput<'keys.verify'>, style: Style): string {
  const { valid, code, kid, applicationId, ownerId, tags, expiresAt, limits, checks } = told;
  const verdict = `${style.mark(valid ? 'pass' : 'fail')} ${valid ? 'valid' : `not valid: ${code}`}`;
  if (kid === null) return `${verdict}\n`;
  const facts = aligned([
    ['key', kid],
    ['application', applicationId ?? '-'],
    ['owner', ownerId ?? '-'],
    ['tags', tags.join(', ') || '-'],
    ['expires', expiresAt ?? 'never'],
    ...limits.map(({ name, remaining, limit }) => [name, `${remaining} of ${limit} left`] as const),
  ]);
  const failed = (checks ?? []).filter(({ outcome }) => outcome === 'fail').map(({ name }) => name);
  const list = checks === null ? '' : `\n\n${checksText({ checks, failed }, style)}`;
  return `${verdict}\n${facts}${list}\n`;
}
