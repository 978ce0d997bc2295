import { hkdfSync } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { KeywardStorage } from '../embed/storage-port.ts';
import type { Pepper } from '../keys/secret-hash.ts';
import { KEY_BYTES, seal, unseal } from './envelope.ts';
import type { SealContext } from './envelope.ts';

/** A storage of somebody else's, which never sees a real key in clear: it is sealed on the way in. */
export function sealedStorage(storage: KeywardStorage, masterKey: Uint8Array): KeywardStorage {
  const key = derived(masterKey, 'keyward embedded real keys v1');
  const sealText = (id: string, secret: string): string =>
    seal(key, context(id), Buffer.from(secret)).toString('base64');
  return {
    findKey: (kid) => storage.findKey(kid),
    insertKey: (row, audit, real) =>
      real === undefined
        ? storage.insertKey(row, audit)
        : storage.insertKey(row, audit, { row: real.row, secret: sealText(real.row.id, real.secret) }),
    getKey: (kid) => storage.getKey(kid),
    listKeys: (page, filter) => storage.listKeys(page, filter),
    updateKey: (kid, expectedRevision, patch, audit) => storage.updateKey(kid, expectedRevision, patch, audit),
    livePool: (parentKid, nowMs) => storage.livePool(parentKid, nowMs),
    getReal: async (id) => {
      const found = await storage.getReal(id);
      if (found === null) return null;
      const secret = unseal(key, context(id), Buffer.from(found.secret, 'base64'));
      if (secret !== null) return { row: found.row, secret: secret.toString() };
      throw new AppError('configuration_error', { internal: `the real key ${id} was sealed with another master key` });
    },
    replaceReal: (id, next, audit) => storage.replaceReal(id, { ...next, secret: sealText(id, next.secret) }, audit),
    getBackendToken: () => storage.getBackendToken(),
    setBackendToken: (row, audit) => storage.setBackendToken(row, audit),
    calls: storage.calls,
    counters: storage.counters,
    close: () => storage.close(),
  };
}

/** The pepper of a deployment whose storage holds none: as good as its master key. */
export function derivedPepper(masterKey: Uint8Array): Pepper {
  return { version: 1, key: derived(masterKey, 'keyward embedded pepper v1') };
}

function derived(masterKey: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(), info, KEY_BYTES));
}

function context(recordId: string): SealContext {
  return { purpose: 'real-key', workspaceId: '', recordId, version: 1 };
}
