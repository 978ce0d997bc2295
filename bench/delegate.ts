/**
 * What delegated keys cost: minting them offline, and verifying them for the first time, again, and
 * as garbage that names a real key. `node bench/delegate.ts [--count N]`, also `npm run bench -- --delegate`.
 */
import { parseArgs } from 'node:util';
import { openKey } from '../src/keys/delegation-minter.ts';
import type { DelegationMinter } from '../src/keys/delegation-minter.ts';
import { createDelegationPolicy } from '../src/keys/delegation-policy.ts';
import { createDelegationVerifier } from '../src/keys/delegation-verifier.ts';
import { generateKey } from '../src/keys/format.ts';
import { renderTable } from './table.ts';

const COUNT_DEFAULT = 1_000_000;
/** Signatures under way at the same time: the runtime makes them in its own threads. */
const BATCH = 64;
/** Tokens kept to be verified: as many as a verifier remembers at least. */
const KEPT_MAX = 2000;
const ROUNDS = 20;
const NETWORK = '192.0.2';

interface Minted {
  readonly micros: number;
  readonly kept: readonly string[];
  readonly bytes: number;
}

async function mintOne(minter: DelegationMinter): Promise<string> {
  const minted = await minter.mint({
    audience: 'dep_bench',
    ttlSeconds: 3600,
    scopes: { models: ['house/*'], operations: ['chat'] },
    limits: { uses: 5, requestsPerMinute: 60 },
    group: 'session:4711',
  });
  if (!minted.ok) throw new Error(minted.reason);
  return minted.text;
}

async function mintMany(minter: DelegationMinter, count: number): Promise<Minted> {
  const kept: string[] = [];
  const started = performance.now();
  let made = 0;
  while (made < count) {
    const size = Math.min(BATCH, count - made);
    const texts = await Promise.all(Array.from({ length: size }, () => mintOne(minter)));
    if (kept.length < KEPT_MAX) kept.push(...texts);
    made += size;
  }
  return { micros: ((performance.now() - started) * 1000) / count, kept, bytes: kept[0]?.length ?? 0 };
}

async function mintInTurn(minter: DelegationMinter): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < KEPT_MAX; i += 1) await mintOne(minter);
  return ((performance.now() - started) * 1000) / KEPT_MAX;
}

/** Microseconds each; texts are rebuilt from bytes, as a server gets them: nothing of them is known yet. */
function timeEach(texts: readonly string[], rounds: number, verify: (text: string) => void): number {
  const received = Array.from({ length: rounds }, () => texts.map((text) => Buffer.from(text)));
  let micros = 0;
  for (const round of received) {
    const fresh = round.map((bytes) => bytes.toString('latin1'));
    const started = performance.now();
    for (const text of fresh) verify(text);
    micros += (performance.now() - started) * 1000;
  }
  return micros / (texts.length * rounds);
}

function withWrongSignature(text: string, i: number): string {
  const signature = Buffer.alloc(64, 7);
  signature.writeUInt32LE(i);
  return text.slice(0, -86) + signature.toString('base64url');
}

/** Mints `count` delegated keys, verifies some of them, and prints the table. */
export async function benchDelegate(count: number): Promise<void> {
  const key = generateKey({ type: 'kwk', environment: 'live' });
  const opened = await openKey(key.text);
  if (!opened.ok) throw new Error(opened.code);
  const { minter } = opened;
  const policy = { ...createDelegationPolicy('dep_bench', minter.publicKey), ttlMaxMs: 2 * 3600 * 1000 };
  const parent = { kid: key.kid, policy };

  await mintMany(minter, Math.min(count, KEPT_MAX)); // warms up
  const alone = await mintInTurn(minter);
  process.stderr.write(`minting ${count.toLocaleString('en')} delegated keys …\n`);
  const { micros, bytes } = await mintMany(minter, count);
  const { kept } = await mintMany(minter, KEPT_MAX);

  // The dates are as of minting; the run may take longer than they live.
  const nowMs = Date.now();
  const verifier = createDelegationVerifier({ clock: { now: () => nowMs } });
  const expectOutcome = (accepted: boolean) => (text: string) => {
    if (verifier.verify(text, parent, NETWORK).ok !== accepted) throw new Error('not answered as expected');
  };
  const first = timeEach(kept, 1, expectOutcome(true));
  const again = timeEach(kept, ROUNDS, expectOutcome(true));
  const garbage = kept.map(withWrongSignature);
  timeEach(garbage.slice(0, 20), 1, expectOutcome(false)); // from here on throttled
  const throttled = timeEach(garbage, ROUNDS, expectOutcome(false));

  const rows = [
    [`mint, ${BATCH} under way`, micros],
    ['mint, one after the other', alone],
    ['first use', first],
    ['second use', again],
    ['garbage, throttled', throttled],
  ] as const;
  const title = `${count.toLocaleString('en')} delegated keys of ${bytes} characters, in process`;
  process.stdout.write(
    `\n${title}\n${renderTable(
      ['', 'µs each'],
      rows.map(([name, value]) => [name, value.toFixed(2)]),
    )}\n`,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { count: { type: 'string', default: String(COUNT_DEFAULT) } } });
  await benchDelegate(Number(values.count));
}
