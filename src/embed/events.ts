import type { ErrorCode } from '../errors.ts';

/** What happened, for the program that embeds the engine. Never holds a secret. */
export type KeywardEvent =
  | {
      readonly kind: 'created' | 'updated' | 'minted' | 'rotated' | 'revoked' | 'suspended' | 'resumed';
      readonly kid: string;
      readonly atMs: number;
    }
  | { readonly kind: 'real-rotated'; readonly realId: string; readonly atMs: number }
  | { readonly kind: 'backend-token-issued'; readonly atMs: number }
  | { readonly kind: 'resolved'; readonly kid: string; readonly atMs: number; readonly requestId: string }
  | {
      readonly kind: 'refused';
      /** What was asked for. */
      readonly what: 'verify' | 'resolve' | 'call';
      /** Null where no key could be read; not proven to be the caller's where the code is of identity. */
      readonly kid: string | null;
      readonly code: ErrorCode;
      readonly atMs: number;
      /** Of the call record; null where none is written. */
      readonly requestId: string | null;
    };

export type Emit = (event: KeywardEvent) => void;

/** A listener that fails is told of, and must not fail what it listens to. */
export function emitter(onEvent: Emit | undefined, onError: (error: Error) => void): Emit {
  if (onEvent === undefined) return () => undefined;
  return (event) => {
    try {
      onEvent(event);
    } catch (cause) {
      onError(new Error('onEvent failed', { cause }));
    }
  };
}
