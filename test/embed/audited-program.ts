/** A backend at its usual work, with everything that Keyward does; see `sockets.test.ts`. */
import { createKeyward } from 'keyward';

const [storage = '', baseUrl = '', elsewhere = ''] = process.argv.slice(2);
const keyward = await createKeyward({ storage });
const real = { secret: 'sk-real-provider-key-0123456789', baseUrl };
const { key, kid } = await keyward.keys.create({ name: 'audited', real, limits: { requestsPerMinute: 100_000 } });
const handler = keyward.handler();

async function call(): Promise<number> {
  const answer = await handler.fetch(new Request('http://localhost/v1/models', { headers: { 'x-api-key': key } }));
  await answer.text();
  return answer.status;
}

const statuses = await Promise.all(Array.from({ length: 100 }, call));
if (statuses.some((status) => status !== 200)) throw new Error('a call failed');
await keyward.verify(key);
await keyward.resolve(key, { credential: keyward.backendToken ?? '' });
await keyward.keys.rotateReal(kid, 'sk-another-real-key-0123456789');
await keyward.keys.mint(kid);
await keyward.keys.rotate(kid);
await call();
await keyward.calls.list();
await keyward.usage();
await keyward.close();
// The control: what the audit is to find.
if (elsewhere !== '') await fetch(elsewhere);
