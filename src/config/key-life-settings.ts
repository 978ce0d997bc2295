import type { ParsedConfig } from './schema.ts';

/** What the operator's file says about notices, webhooks and links; taken over when it changes. */
export interface KeyLifeSettings {
  /** Days before an expiry on which a notice is given, the earliest first. */
  readonly expiryNoticeDays: readonly number[];
  /** Days without a call after which a key counts as idle, where no policy says otherwise. */
  readonly idleAfterDays: number;
  /** Whether webhooks may lead into one's own networks, and over plain HTTP. */
  readonly allowPrivateWebhooks: boolean;
  /** How people reach the admin listener, where that is not its own address; without a slash at its end. */
  readonly adminUrl: string | null;
}

const EXPIRY_NOTICE_DAYS = [30, 7, 1];
const IDLE_AFTER_DAYS = 90;

export function keyLifeSettings(file: ParsedConfig | null): KeyLifeSettings {
  const days = file?.keys?.expiryNoticeDays ?? EXPIRY_NOTICE_DAYS;
  return {
    expiryNoticeDays: [...new Set(days)].toSorted((a, b) => b - a),
    idleAfterDays: file?.keys?.idleAfterDays ?? IDLE_AFTER_DAYS,
    allowPrivateWebhooks: file?.webhooks?.allowPrivate ?? false,
    adminUrl: file?.listen?.adminUrl ?? null,
  };
}
