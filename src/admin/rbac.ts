/**
 * Who may do what in the admin API. Every endpoint names one permission of this list; a principal
 * that does not hold it is refused.
 */

export const PERMISSIONS = {
  'keys:read': 'See keys, without their secrets.',
  'keys:create': 'Create keys.',
  'keys:update': 'Change name, owner, scopes, limits, dates and tags of keys.',
  'keys:rotate': 'Give keys a new secret.',
  'keys:mint': 'Mint temporary keys from keys.',
  'keys:suspend': 'Suspend and resume keys.',
  'keys:revoke': 'Revoke keys for good.',
  'keys:bulk': 'Change the state of many keys at once, with the permission for each of the changes.',
  'keys:certify': 'Certify that keys are still needed.',
  'rotation-policies:read': 'See rotation policies and what they will do.',
  'rotation-policies:write': 'Create, change and delete rotation policies.',
  'keys:diagnose': 'Find out why a key does not work, with its limits and last calls.',
  'keys:verify': 'Verify keys that were sent to an API of one’s own.',
  'keys:test': 'Make a test call with a key.',
  'cases:read': 'See cases of keys that do not work.',
  'cases:write': 'Open cases and carry out their steps.',
  'response-rules:read': 'See rules that react to what happens to keys, what they did and would do.',
  'response-rules:write': 'Create, change and delete rules that react to what happens to keys.',
  'responses:undo': 'Undo what rules did to keys.',
  'applications:read': 'See applications.',
  'applications:write': 'Create, change, delete and restore applications.',
  'subscriptions:read': 'See subscriptions.',
  'subscriptions:request': 'Ask for subscriptions.',
  'subscriptions:decide': 'Approve, reject and end subscriptions.',
  'people:read': 'See people.',
  'people:write': 'Add, change, delete and restore people.',
  'teams:read': 'See teams and who is in them.',
  'teams:write': 'Create, change, delete and restore teams.',
  'members:write': 'Add people to teams, change their roles, remove and restore them.',
  'workspaces:read': 'See every workspace. For operators.',
  'workspaces:write': 'Create, change, delete and restore workspaces. For operators.',
  'workspaces:enter': 'Use every other permission in any workspace. For operators.',
  'integrity:read': 'See records that do not fit together.',
  'integrity:repair': 'Repair records that do not fit together.',
  'providers:read': 'See providers.',
  'providers:write': 'Add, adjust and remove providers.',
  'credentials:read': 'See which credentials there are, never their secrets.',
  'credentials:write': 'Set, change and delete credentials.',
  'models:read': 'See models and aliases.',
  'models:write': 'Create, change and delete aliases.',
  'catalogue:refresh': 'Read the catalogue of models anew. For operators.',
  'calls:read': 'See the call records of the workspace.',
  'calls:read-unidentified': 'See the records of calls that proved no key, which belong to no workspace.',
  'usage:read': 'See usage totals.',
  'webhooks:read': 'See webhooks and what was delivered, never their secrets.',
  'webhooks:write': 'Create, change and delete webhooks.',
  'alerts:read': 'See alerts.',
  'alerts:write': 'Acknowledge alerts.',
  'reports:read': 'See reports.',
  'admin-tokens:read': 'See admin tokens, without their secrets.',
  'admin-tokens:write': 'Create, change, suspend and revoke admin tokens, with no more permissions than one’s own.',
  'audit-events:read': 'See who changed what.',
  'status:read': 'See the state of this installation.',
} as const satisfies Record<string, string>;

export type Permission = keyof typeof PERMISSIONS;

/** Whether a text names a permission of this version. */
export function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

/** Who makes an admin call. */
export interface Principal {
  /** As it stands in the audit log, for example `token:bootstrap`. */
  readonly actor: string;
  readonly permissions: ReadonlySet<Permission | '*'>;
}

/** Default deny: only a permission that is held, or `*`, allows. */
export function allows(principal: Principal, permission: Permission): boolean {
  return principal.permissions.has('*') || principal.permissions.has(permission);
}
