/** What a backend does with its keys. Every change is stored with its audit entry, and in force when it is answered. */
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import { generateKey } from '../keys/format.ts';
import type { KeyState } from '../keys/key-record.ts';
import type { SecretHasher } from '../keys/secret-hash.ts';
import type { Clock } from '../lib/clock.ts';
import { changedLimits, changedScopes } from '../admin/constraint-fields.ts';
import { durationMs } from '../admin/fields.ts';
import { changedDates } from '../admin/key-dates.ts';
import { mintedFields, refuseFullPool, refuseWider } from '../admin/mint-key.ts';
import { renewSecrets } from '../admin/renew-secrets.ts';
import { delegationAfter, freshSecret } from '../admin/resources/key-secret.ts';
import { kidOf, viewKey } from '../admin/resources/key-view.ts';
import type { KeyFilter, Page } from '../admin/stores.ts';
import { AppError } from '../errors.ts';
import type { Audit } from './audit-entry.ts';
import type { Emit, KeywardEvent } from './events.ts';
import { parseUpdate, parseCreate, parseMint, parseReal, parseRotate, parseSecret, parseState } from './key-input.ts';
import type {
  CreateKeyInput,
  KeyStateInput,
  MintKeyInput,
  ParsedReal,
  RotateKeyInput,
  UpdateKeyInput,
} from './key-input.ts';
import type { OwnPrefix } from './own-prefix.ts';
import { hintOf, newRealRow } from './real-key.ts';
import type { KeywardStorage, MaskedKeyRow } from './storage-port.ts';

/** A key as it is shown: everything but its secret. */
export type KeyView = ReturnType<typeof viewKey> & {
  /** The real key that it stands for; null: none. */
  readonly realId: string | null;
};

/** With the text of the key, this once. */
export type IssuedKey = KeyView & { readonly key: string };

export interface ListKeysInput extends KeyFilter {
  readonly cursor?: string;
  /** Keys a page, 1 to 500; 50 unless given. */
  readonly limit?: number;
}

export interface KeyOperations {
  create(input: CreateKeyInput): Promise<IssuedKey>;
  /** Name, scopes, limits, dates and tags: what is left out stays, null clears. */
  update(kid: string, input: UpdateKeyInput): Promise<KeyView>;
  /** A temporary key that may do at most what this one may, and spends of it. */
  mint(kid: string, input?: MintKeyInput): Promise<IssuedKey>;
  /** A new secret of the key; the real one stays. */
  rotate(kid: string, input?: RotateKeyInput): Promise<IssuedKey>;
  /** A new real secret, by the real key's id or any key that stands for it; the keys stay. */
  rotateReal(
    kidOrRealId: string,
    secret: string | undefined,
  ): Promise<{ readonly realId: string; readonly hint: string }>;
  revoke(kid: string, input?: KeyStateInput): Promise<KeyView>;
  suspend(kid: string, input?: KeyStateInput): Promise<KeyView>;
  resume(kid: string, input?: KeyStateInput): Promise<KeyView>;
  get(kid: string): Promise<KeyView | null>;
  /** Newest first. */
  list(input?: ListKeysInput): Promise<Page<KeyView>>;
}

export interface KeyOperationsOptions {
  readonly storage: KeywardStorage;
  readonly hasher: SecretHasher;
  readonly clock: Clock;
  readonly applicationId: string;
  readonly actor: string;
  readonly prefix: OwnPrefix;
  readonly audit: Audit;
  readonly emit: Emit;
  /** Makes the engine forget what it knows. */
  readonly forgetKey: (kid: string) => void;
  readonly forgetReal: (realId: string) => void;
}

export function createKeyOperations(options: KeyOperationsOptions): KeyOperations {
  const { storage, hasher, clock, applicationId, actor, prefix, audit, emit, forgetKey, forgetReal } = options;

  const view = (row: MaskedKeyRow): KeyView => {
    const shown = viewKey(row, clock.now());
    return { ...shown, fingerprint: prefix.show(shown.fingerprint), realId: row.realId };
  };

  const changed = (
    kind: Exclude<KeywardEvent['kind'], 'refused' | 'resolved' | 'real-rotated' | 'backend-token-issued'>,
    kid: string,
  ): void => {
    forgetKey(kid);
    emit({ kind, kid, atMs: clock.now() });
  };

  const requireKey = async (ref: string): Promise<MaskedKeyRow> => {
    const row = await storage.getKey(kidOf(ref));
    if (row === null) throw new AppError('not_found', { message: `There is no key ${ref}.` });
    return row;
  };

  const update = async (before: MaskedKeyRow, patch: Partial<MaskedKeyRow>, action: string, reason: string | null) => {
    const { realId: _, ...columns } = patch;
    const entry = audit(action, 'key', before.kid, {
      before: view(before),
      after: view({ ...before, ...patch }),
      reason,
    });
    if (!(await storage.updateKey(before.kid, before.revision, { ...columns, updatedAtMs: clock.now() }, entry))) {
      throw new AppError('conflict', { message: `The key ${before.kid} was changed meanwhile. Repeat the request.` });
    }
    return requireKey(before.kid);
  };

  const changeState = async (ref: string, input: KeyStateInput, to: KeyState, from: readonly KeyState[]) => {
    const { reason = null } = parseState(input);
    const before = await requireKey(ref);
    if (before.state !== to && !from.includes(before.state)) {
      throw new AppError('conflict', { message: `The key ${before.kid} is ${before.state}: it cannot become ${to}.` });
    }
    const revokedAtMs = to === 'revoked' ? (before.revokedAtMs ?? clock.now()) : null;
    const after = await update(before, { state: to, stateReason: reason, revokedAtMs }, ACTIONS[to], reason);
    changed(EVENTS[to], after.kid);
    return view(after);
  };

  const realFor = async (real: ParsedReal | null) => {
    if (real === null) return { realId: null };
    if (!('id' in real)) {
      const row = newRealRow(real, clock.now());
      return { realId: row.id, stored: { row, secret: real.secret } };
    }
    if ((await storage.getReal(real.id)) === null) {
      throw new AppError('not_found', { message: `There is no real key ${real.id}.` });
    }
    return { realId: real.id };
  };

  return {
    create: async (input) => {
      const { real, ...fields } = parseCreate(input);
      const nowMs = clock.now();
      const { realId, stored } = await realFor(real === undefined ? null : parseReal(real));
      const generated = generateKey({ type: 'kwk', environment: fields.environment });
      const row: MaskedKeyRow = {
        ...BLANK,
        ...changedDates(fields, NO_DATES, nowMs),
        kid: generated.kid,
        applicationId,
        name: fields.name,
        environment: fields.environment,
        secrets: [freshSecret(hasher, generated.secret, nowMs)],
        scopes: changedScopes(NO_SCOPES, fields.scopes),
        scopesSetAtMs: nowMs,
        limits: changedLimits(NO_LIMITS, fields.limits),
        tags: fields.tags,
        createdAtMs: nowMs,
        createdBy: actor,
        updatedAtMs: nowMs,
        realId,
      };
      await storage.insertKey(row, audit('keys.create', 'key', row.kid, { after: view(row) }), stored);
      changed('created', row.kid);
      return { ...view(row), key: prefix.show(generated.text) };
    },

    update: async (ref, input) => {
      const { scopes, limits, name, tags, ...dates } = parseUpdate(input);
      const before = await requireKey(ref);
      if (before.state === 'revoked' || before.state === 'compromised') {
        throw new AppError('conflict', {
          message: `The key ${before.kid} is ${before.state}: it cannot be changed any more.`,
        });
      }
      const nowMs = clock.now();
      const patch = {
        ...changedDates(dates, before, nowMs),
        name: name ?? before.name,
        tags: tags ?? before.tags,
        scopes: changedScopes(before.scopes, scopes),
        scopesSetAtMs: scopes === undefined ? before.scopesSetAtMs : nowMs,
        limits: changedLimits(before.limits, limits),
      };
      const parent = before.parentKid === null ? null : await storage.getKey(before.parentKid);
      if (parent !== null && (scopes !== undefined || limits !== undefined)) refuseWider(patch, parent);
      const after = await update(before, patch, 'keys.update', null);
      changed('updated', after.kid);
      return view(after);
    },

    mint: async (ref, input = {}) => {
      const fields = parseMint(input);
      const parent = await requireKey(ref);
      const nowMs = clock.now();
      const generated = generateKey({ type: 'kwt', environment: parent.environment });
      const secret = freshSecret(hasher, generated.secret, nowMs);
      const minted = mintedFields({ parent, fields, kid: generated.kid, secret, nowMs, actor });
      const row: MaskedKeyRow = { ...parent, ...minted };
      refuseFullPool(parent, await storage.livePool(parent.kid, nowMs), nowMs);
      await storage.insertKey(row, audit('keys.mint', 'key', row.kid, { after: view(row) }));
      changed('minted', row.kid);
      return { ...view(row), key: prefix.show(generated.text) };
    },

    rotate: async (ref, input = {}) => {
      const { overlap, reason = null } = parseRotate(input);
      const before = await requireKey(ref);
      const overlapMs = durationMs(overlap);
      const { text, secrets } = renewSecrets(before, { hasher, nowMs: clock.now(), overlapMs });
      const patch = { secrets, delegation: delegationAfter(before, secrets) };
      const after = await update(before, patch, 'keys.rotate', reason);
      changed('rotated', after.kid);
      return { ...view(after), key: prefix.show(text) };
    },

    rotateReal: async (ref, given) => {
      const secret = parseSecret(given);
      const realId = ref.startsWith('real_') ? ref : (await requireKey(ref)).realId;
      const hint = hintOf(secret);
      const next = { secret, hint, updatedAtMs: clock.now() };
      const entry = audit('real-keys.rotate', 'real-key', realId ?? '', { after: { hint } });
      if (realId === null || !(await storage.replaceReal(realId, next, entry))) {
        throw new AppError('not_found', { message: `There is no real key behind ${ref}.` });
      }
      forgetReal(realId);
      emit({ kind: 'real-rotated', realId, atMs: next.updatedAtMs });
      return { realId, hint };
    },

    revoke: (ref, input = {}) => changeState(ref, input, 'revoked', ['active', 'suspended']),
    suspend: (ref, input = {}) => changeState(ref, input, 'suspended', ['active']),
    resume: (ref, input = {}) => changeState(ref, input, 'active', ['suspended']),

    get: async (ref) => {
      const row = await storage.getKey(kidOf(ref));
      return row === null ? null : view(row);
    },

    list: async ({ cursor = null, limit = 50, ...filter } = {}) => {
      const bounded = Math.min(500, Math.max(1, Math.trunc(limit)));
      const { items, next } = await storage.listKeys({ cursor, limit: bounded }, filter);
      return { items: items.map(view), next };
    },
  };
}

const ACTIONS: Readonly<Record<KeyState, string>> = {
  active: 'keys.resume',
  suspended: 'keys.suspend',
  revoked: 'keys.revoke',
  compromised: 'keys.revoke',
};

const EVENTS = { active: 'resumed', suspended: 'suspended', revoked: 'revoked', compromised: 'revoked' } as const;

const NO_DATES = { notBeforeMs: null, expiresAtMs: null } as const;

/** What every new key has. */
const BLANK = {
  type: 'kwk',
  parentKid: null,
  binding: null,
  ownerId: null,
  state: 'active',
  suspension: null,
  delegation: null,
  minting: null,
  revision: 1,
  revokedAtMs: null,
  stateReason: null,
} as const;
