import type { ClientCodec, ProviderCodec } from './codec.ts';
import type { ClientDialectName, DialectName } from './dialect.ts';
export const CLIENT_CODECS = {} as Readonly<Record<ClientDialectName, ClientCodec>>;
export const PROVIDER_CODECS = {} as Readonly<Record<DialectName, ProviderCodec>>;
