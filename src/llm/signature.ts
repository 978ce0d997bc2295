/**
 * Signatures prove a model's reasoning to its maker. A client sends back what it received, also when
 * it speaks another format than the maker: what is foreign to the client's format travels in an
 * envelope, which any later request opens again, so that nothing has to be stored.
 */
import type { Signature } from './canonical.ts';
import { DIALECT_NAMES } from './dialect.ts';
import type { DialectName } from './dialect.ts';

const ENVELOPE = /^kw1\.([a-z-]{2,20})\.([\w-]+)$/;
/** The text that a client of this dialect receives and sends back. */
export function sealSignature(signature: Signature, client: DialectName): string {
  if (signature.of === client) return signature.value;
  return `kw1.${signature.of}.${Buffer.from(signature.value, 'utf8').toString('base64url')}`;
}

/** What a client of this dialect sent back: its own dialect's signature, or one from an envelope. */
export function openSignature(text: string, client: DialectName): Signature {
  const [, of, value] = ENVELOPE.exec(text) ?? [];
  if (value === undefined || !isDialect(of)) return { of: client, value: text };
  return { of, value: Buffer.from(value, 'base64url').toString('utf8') };
}

function isDialect(name: string | undefined): name is DialectName {
  return DIALECT_NAMES.some((known) => known === name);
}
