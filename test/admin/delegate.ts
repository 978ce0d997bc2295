/** Delegated keys of keys that the admin fixture made. */
import type { MintOptions } from '../../src/keys/delegation-minter.ts';
import { openKey } from '../../src/keys/delegation-minter.ts';
import type { AdminFixture } from './admin-fixture.ts';

/** Lets a key delegate, and signs with it: for a minute, unless it is said otherwise. */
export async function delegate(
  admin: AdminFixture,
  { kid, key }: { readonly kid: string; readonly key: string },
  options: Partial<MintOptions> = {},
): Promise<string> {
  await admin.client.call('keys.delegation', { params: { kid }, body: { offline: true } });
  const opened = await openKey(key);
  if (!opened.ok) throw new Error(opened.code);
  const fixed = { audience: admin.workspaceId, ttlSeconds: 60, nowMs: admin.clock.nowMs };
  const minted = await opened.minter.mint({ ...fixed, ...options });
  if (!minted.ok) throw new Error(minted.code);
  return minted.text;
}
