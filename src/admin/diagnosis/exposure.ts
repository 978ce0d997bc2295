/** What a key did since a moment: what may be lost where somebody else had it. */
import { z } from 'zod';
import type { CallContext } from '../contract.ts';
import { count, iso, time } from '../fields.ts';
import type { KeyUseQuery, KeyUseRow } from '../call-stores.ts';

const SHOWN_MAX = 200;
/** How far is looked back for addresses that the key was used from before. */
const KNOWN_BEFORE_MS = 30 * 86_400_000;

const useView = z.object({
  value: z.string().describe('Empty where the calls have none.'),
  calls: count,
  failedCalls: count,
  inputTokens: count,
  outputTokens: count,
  costNanoUsd: count,
  firstAt: time,
  lastAt: time,
});
const uses = z.array(useView);

export const exposureView = z
  .object({
    kid: z.string(),
    since: time,
    until: time,
    total: useView.nullable().describe('Null: it made no call.'),
    models: uses,
    endpoints: uses,
    addresses: uses,
    countries: uses,
    sessions: uses,
    outcomes: uses.describe('By code.'),
    newAddresses: z.array(z.string()).describe('Not used from in the 30 days before.'),
  })
  .meta({ id: 'Exposure' });

/** Of every property the 200 values with the most calls. */
export async function readExposure(
  ctx: CallContext,
  kid: string,
  sinceMs: number,
): Promise<z.input<typeof exposureView>> {
  const untilMs = ctx.nowMs + 1;
  const use = (by: KeyUseQuery['by'], fromMs = sinceMs, toMs = untilMs) =>
    ctx.deps.calls.keyUse(ctx.workspace.workspaceId, { kid, by, fromMs, toMs });
  const addresses = await use('address');
  const before = new Set((await use('address', sinceMs - KNOWN_BEFORE_MS, sinceMs)).map(({ value }) => value));
  const [total] = await use('all');
  return {
    kid,
    since: iso(sinceMs),
    until: iso(ctx.nowMs),
    total: total === undefined ? null : viewUse(total),
    models: viewUses(await use('model')),
    endpoints: viewUses(await use('endpoint')),
    addresses: viewUses(addresses),
    countries: viewUses(await use('country')),
    sessions: viewUses(await use('session')),
    outcomes: viewUses(await use('code')),
    newAddresses: addresses.map(({ value }) => value).filter((address) => !before.has(address)),
  };
}

function viewUses(rows: readonly KeyUseRow[]): z.input<typeof useView>[] {
  return rows.slice(0, SHOWN_MAX).map(viewUse);
}

function viewUse({ firstAtMs, lastAtMs, ...row }: KeyUseRow): z.input<typeof useView> {
  return { ...row, firstAt: iso(firstAtMs), lastAt: iso(lastAtMs) };
}
