import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { KeyRecord } from './key-record.ts';

/** A key of nobody, without a secret, that nothing narrows: what a record is made from of which only some is known. */
export const BLANK_KEY: KeyRecord = {
  kid: '',
  type: 'kwk',
  parentKid: null,
  binding: null,
  workspaceId: '',
  applicationId: '',
  ownerId: null,
  environment: 'live',
  state: 'active',
  suspension: null,
  secrets: [],
  notBeforeMs: null,
  expiresAtMs: null,
  scopes: NO_SCOPES,
  scopesSetAtMs: 0,
  limits: NO_LIMITS,
  delegation: null,
  minting: null,
  revision: 0,
};
