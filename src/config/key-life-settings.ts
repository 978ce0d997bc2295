import type { ParsedConfig } from './schema.ts';

/** What the operator's file says about notices, webhooks and links; taken over when it changes. */
export interface KeyLifeSettings {
  /** Days before an expiry on which a notice is given, the earliest first. */
  readonly expiryNoticeDays: readonly number[];
  /** Days without a call after which a key counts as idle, where no policy says otherwise. */
  readonly idleAfterDays: number;
  /** Parts of a budget in percent from which on its use is told, the least first. */
  readonly budgetAlertPercents: readonly number[];
  /** Days for which expired temporary keys are kept. */
  readonly temporaryKeptDays: number;
  /** Whether webhooks may lead into one's own networks, and over plain HTTP. */
  readonly allowPrivateWebhooks: boolean;
  /** How people reach the admin listener, where that is not its own address; without a slash at its end. */
  readonly adminUrl: string | null;
}

const EXPIRY_NOTICE_DAYS = [30, 7, 1];
const IDLE_AFTER_DAYS = 90;
const BUDGET_ALERT_PERCENTS = [80, 95];
const TEMPORARY_KEPT_DAYS = 7;

export function keyLifeSettings(file: ParsedConfig | null): KeyLifeSettings {
  const days = file?.keys?.expiryNoticeDays ?? EXPIRY_NOTICE_DAYS;
  return {
    expiryNoticeDays: [...new Set(days)].toSorted((a, b) => b - a),
    idleAfterDays: file?.keys?.idleAfterDays ?? IDLE_AFTER_DAYS,
    budgetAlertPercents: [...new Set(file?.keys?.budgetAlertPercents ?? BUDGET_ALERT_PERCENTS)].toSorted(
      (a, b) => a - b,
    ),
    temporaryKeptDays: file?.keys?.temporaryKeptDays ?? TEMPORARY_KEPT_DAYS,
    allowPrivateWebhooks: file?.webhooks?.allowPrivate ?? false,
    adminUrl: file?.listen?.adminUrl ?? null,
  };
}
