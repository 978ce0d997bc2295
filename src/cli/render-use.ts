import type { OperationOutput } from '../client/client.ts';
import { limitAmount, limitName, usdText } from '../keys/limit-words.ts';
import { renderTable } from './render.ts';
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
  const cost = costNanoUsd === 0 ? '' : `, ${usdText(costNanoUsd)}`;
  return `${calls} calls${failed}, ${inputTokens} + ${outputTokens} tokens${cost}, ${firstAt} to ${lastAt}`;
}

const LIMIT_COLUMNS = ['level', 'name', 'period', 'kind', 'limit', 'used', 'held', 'left', 'resetsAt', 'exhaustedAt'];

/** `keyward keys limits`. */
export function renderKeyLimits({ items }: OperationOutput<'keys.limits'>): string {
  if (items.length === 0) return 'None.\n';
  const rows = items.map(({ level, name, period, soft, limit, used, held, left, resetsAt, exhaustedAt }) => [
    ...[level, limitName(name), period ?? '-', soft ? 'soft' : 'hard'],
    ...[limit, used, held, left].map((amount) => limitAmount(name, amount)),
    ...[resetsAt ?? '-', exhaustedAt ?? '-'],
  ]);
  return renderTable([LIMIT_COLUMNS, ...rows]);
}

type Adoption = OperationOutput<'keys.adoption'>;
type Generation = Adoption['generations'][number];

/** `keyward keys adoption`. */
export function renderAdoption(told: Adoption, style: Style): string {
  const { kid, lastUsedAt, lastAddress, generations } = told;
  const last =
    lastUsedAt === null ? 'not used so far' : `last used ${lastUsedAt} from ${lastAddress ?? 'an unknown address'}`;
  return `${[`${style.strong(kid)}: ${printable(last)}`, ...generations.map(generationText)].join('\n\n')}\n`;
}

function generationText({
  generation,
  state,
  acceptedUntil,
  mayEndFrom,
  calls,
  lastUsedAt,
  callers,
}: Generation): string {
  const until = acceptedUntil === null ? '' : `, accepted until ${acceptedUntil}`;
  const early = mayEndFrom === null ? '' : `, from ${mayEndFrom} on only while it is used`;
  const used = lastUsedAt === null ? 'no calls' : `${calls} calls, last ${lastUsedAt}`;
  const head = `secret ${generation}, ${state}${until}${early}: ${used}`;
  if (callers.length === 0) return head;
  const rows = callers.map(
    ({ network, userAgent, calls: made, firstUsedAt, lastUsedAt: lastAt }) =>
      [
        printable(`${network} ${userAgent === '' ? '(names no product)' : userAgent}`),
        `${made} calls, ${firstUsedAt} to ${lastAt}`,
      ] as const,
  );
  return `${head}\n${aligned(rows)}`;
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
    ...limits.map(
      ({ name, remaining, limit }) =>
        [limitName(name), `${limitAmount(name, remaining)} of ${limitAmount(name, limit)} left`] as const,
    ),
  ]);
  const failed = (checks ?? []).filter(({ outcome }) => outcome === 'fail').map(({ name }) => name);
  const list = checks === null ? '' : `\n\n${checksText({ checks, failed }, style)}`;
  return `${verdict}\n${facts}${list}\n`;
}
