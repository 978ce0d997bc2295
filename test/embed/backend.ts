/** A Node backend with Keyward inside and a fake provider beside it, for tests. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createKeyward } from '../../src/index.ts';
import type {
  CreateKeyInput,
  IssuedKey,
  Keyward,
  KeywardEvent,
  KeywardLogEntry,
  KeywardOptions,
} from '../../src/index.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';

export const REAL_SECRET = 'sk-real-provider-key-0123456789';

export interface Backend {
  readonly keyward: Keyward;
  readonly provider: FakeUpstream;
  /** Of the backend's own server, with the path that the handler is mounted on. */
  readonly url: string;
  readonly events: readonly KeywardEvent[];
  readonly logs: readonly KeywardLogEntry[];
  /** A key for the fake provider. */
  issue(input?: Partial<CreateKeyInput>): Promise<IssuedKey>;
  chat(key: string, model?: string, extra?: object): Promise<Response>;
}

/** Everything of it ends with the test. */
export async function startBackend(options: KeywardOptions = {}): Promise<Backend> {
  const provider = await startFakeUpstream();
  const events: KeywardEvent[] = [];
  const logs: KeywardLogEntry[] = [];
  const keyward = await createKeyward({
    storage: ':memory:',
    onEvent: (event) => void events.push(event),
    onLog: (entry) => void logs.push(entry),
    ...options,
  });
  const server = createServer(keyward.handler({ basePath: '/proxy' }));
  const url = `${await listen(server)}/proxy`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await keyward.close();
    await provider.close();
  });
  return {
    keyward,
    provider,
    url,
    events,
    logs,
    issue: (input = {}) =>
      keyward.keys.create({ name: 'test', real: { secret: REAL_SECRET, baseUrl: provider.origin }, ...input }),
    chat: (key, model = 'tiny', extra = {}) => chat(url, key, model, extra),
  };
}

export function chat(url: string, key: string, model = 'tiny', extra: object = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...extra }),
  });
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The value of a header of a request that the provider received. */
export function received(provider: FakeUpstream, name: string, index = -1): string | undefined {
  const headers = provider.requests.at(index)?.rawHeaders ?? [];
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}

/** The code of an error answer. */
export async function codeOf(answer: Response): Promise<string> {
  const { error } = (await answer.json()) as { readonly error?: { readonly code?: string } };
  return error?.code ?? 'none';
}
