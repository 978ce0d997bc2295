/** The product before many vendors, one for each test, because one that has failed often is left alone. */
import type { ClientDialectName } from '../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from './dialect-calls.ts';
import { startFakeUpstream } from './fakes/fake-upstream.ts';
import type { FakeUpstream } from './fakes/fake-upstream.ts';
import { startStreamingUpstream } from './fakes/streaming-upstream.ts';
import type { RawStream, StreamingUpstream } from './fakes/streaming-upstream.ts';
import { startProduct } from './product.ts';
import type { Product } from './product.ts';
import { rawExchange, rawRequest } from './raw-http.ts';
import type { RawAnswer } from './raw-http.ts';

export const CLIENTS = Object.keys(DIALECT_CALLS) as ClientDialectName[];
/** What every vendor is sent as its credential: of no known form. */
export const VENDOR_SECRET = 'tok3n-of-the-vendor';
const PROVIDERS = [...CLIENTS, 'bedrock'] as const;

export interface VendorsApart {
  readonly product: Product;
  /** Answers where the first target of `to-{dialect}-{turn}` does not. */
  readonly well: FakeUpstream;
  /** Which vendor is asked as `{dialect}-{turn}/m`. */
  readonly turn: number;
  /** To be called before each test. */
  next(): void;
  /** What the vendor of this turn says. */
  script(...answers: readonly RawStream[]): StreamingUpstream;
  ask(client: ClientDialectName, model: string, stream: boolean): Promise<RawAnswer>;
  dispose(): Promise<void>;
}

/** `gateway`: settings of the gateway as YAML. */
export async function startVendorsApart(count: number, gateway = '{}'): Promise<VendorsApart> {
  const vendors = await Promise.all(Array.from({ length: count }, () => startStreamingUpstream()));
  const well = await startFakeUpstream();
  const product = await startProduct({ config: configOf(vendors, well, gateway), workers: 1 });
  let turn = -1;
  return {
    product,
    well,
    get turn() {
      return turn;
    },
    next: () => {
      well.clear();
      turn += 1;
    },
    script: (...answers) => {
      const vendor = vendors[turn];
      if (vendor === undefined) throw new Error('more tests than vendors');
      vendor.script(...answers);
      return vendor;
    },
    ask: (client, model, stream) => {
      const { path, body } = DIALECT_CALLS[client];
      const request = rawRequest(path(model, stream), body(model, stream), { key: product.firstKey });
      return rawExchange(product.gatewayUrl, request);
    },
    dispose: async () => {
      await product.dispose();
      await Promise.all([well.close(), ...vendors.map((vendor) => vendor.close())]);
    },
  };
}

function configOf(vendors: readonly StreamingUpstream[], well: FakeUpstream, gateway: string): string {
  const all = vendors.flatMap(({ origin }, vendor) => PROVIDERS.map((dialect) => ({ origin, vendor, dialect })));
  return [
    `gateway: ${gateway}`,
    fakeProvidersConfig(well.origin, 'provider-key'),
    ...all.map(({ origin, vendor, dialect }) => {
      const baseUrl = `${origin}${dialect.startsWith('openai') ? '/v1' : ''}`;
      return `  ${dialect}-${vendor}: { dialect: ${dialect}, baseUrl: "${baseUrl}", models: [{ id: m, price: { input: 1, output: 1 } }], credentials: [{ secret: "${VENDOR_SECRET}" }] }`;
    }),
    'models:',
    ...all.map(({ vendor, dialect }) => {
      const other = FAKE_PROVIDERS[dialect === 'bedrock' ? 'openai' : dialect];
      return `  to-${dialect}-${vendor}: { targets: [${dialect}-${vendor}/m, ${other}/tiny] }`;
    }),
    '',
  ].join('\n');
}
