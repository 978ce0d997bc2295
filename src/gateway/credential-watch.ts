import { BoundedMap } from '../lib/bounded-map.ts';
import { isOfCredential } from '../routing/credential-error.ts';
import type { CredentialCounts, CredentialError } from '../routing/credential-error.ts';
import type { AttemptFailure } from './refusal.ts';
import { withoutCredential, withoutSecrets } from './without-secrets.ts';

/** What this worker does with one credential: the same object over all configurations. */
export interface CredentialUse {
  readonly workspaceId: string;
  readonly credentialId: string;
  /** Calls that are with the provider now. */
  underWay: number;
  /** Attempts that the provider has begun to answer well, since the worker started. */
  passed: number;
}

/** Credentials whose use a worker counts; there are never nearly as many. */
const USES_MAX = 16_384;
/** Credentials that are told of at once; of more, the others wait for their next error. */
const ERRORS_MAX = 256;
/** Errors are told together, the last of each credential: a flood of them costs one message. */
const TELL_AFTER_MS = 200;
const MESSAGE_LENGTH_MAX = 500;
const CODE_LENGTH_MAX = 100;

export interface CredentialWatchOptions {
  readonly tell: (errors: readonly CredentialError[]) => void;
}

/** What a worker knows of credentials for people: how many calls are under way, and what providers said. */
export class CredentialWatch {
  readonly #tell: CredentialWatchOptions['tell'];
  readonly #uses = new BoundedMap<string, CredentialUse>(USES_MAX);
  readonly #errors = new Map<string, CredentialError>();

  constructor({ tell }: CredentialWatchOptions) {
    this.#tell = tell;
  }

  useOf(workspaceId: string, credentialId: string): CredentialUse {
    const name = nameOf(workspaceId, credentialId);
    let use = this.#uses.get(name);
    if (use === undefined) {
      use = { workspaceId, credentialId, underWay: 0, passed: 0 };
      this.#uses.set(name, use);
    }
    return use;
  }

  counts(workspaceId: string, credentialId: string): CredentialCounts {
    const { underWay = 0, passed = 0 } = this.#uses.get(nameOf(workspaceId, credentialId)) ?? {};
    return { underWay, passed };
  }

  /** Notes what a provider answered; an attempt that it did not answer says nothing. */
  failed({ workspaceId, credentialId }: CredentialUse, secret: string, failure: AttemptFailure, atMs: number): void {
    const { kind, status, code = null, message = null } = failure;
    if (status === undefined || !isOfCredential(kind)) return;
    const name = nameOf(workspaceId, credentialId);
    if (this.#errors.size >= ERRORS_MAX && !this.#errors.has(name)) return;
    if (this.#errors.size === 0) setTimeout(() => this.flush(), TELL_AFTER_MS).unref();
    this.#errors.set(name, {
      ...{ workspaceId, credentialId, atMs, kind, status },
      code: code && shown(code, secret, CODE_LENGTH_MAX),
      message: message && shown(message, secret, MESSAGE_LENGTH_MAX),
    });
  }

  flush(): void {
    if (this.#errors.size === 0) return;
    const errors = [...this.#errors.values()];
    this.#errors.clear();
    this.#tell(errors);
  }
}

function nameOf(workspaceId: string, credentialId: string): string {
  return `${workspaceId}/${credentialId}`;
}

/** A provider's text as people may see it: one line, bounded, without the secret or a part of it. */
function shown(text: string, secret: string, lengthMax: number): string {
  const clean = withoutSecrets(withoutCredential(text, secret)).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
  return clean.length <= lengthMax ? clean : `${clean.slice(0, lengthMax)}…`;
}
