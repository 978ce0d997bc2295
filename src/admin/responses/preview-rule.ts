/** What a rule would do if it were looked at now: without doing it. */
import type { CallContext } from '../contract.ts';
import type { ResponseRuleRow, When } from '../response-stores.ts';
import { selectorFits, teamsOf } from '../rotation-policy.ts';
import type { KeyRow } from '../stores.ts';
import { isCondition, readConditions } from './conditions.ts';
import { describeEffect, takeActions } from './take-actions.ts';

/** Keys and calls looked at; beyond them the preview says that it is not complete. */
const KEYS_MAX = 5000;
const CALLS_MAX = 5000;
const PAGE = 500;
/** Keys shown. */
const SHOWN_MAX = 200;

interface PreviewedKey {
  readonly kid: string;
  readonly name: string;
  readonly evidence: string;
  readonly actions: string[];
}

export interface RulePreview {
  /** Keys that meet the trigger now and that the rule is for. */
  readonly matched: number;
  readonly complete: boolean;
  /** At most 200 of them. */
  readonly items: PreviewedKey[];
}

interface Found {
  readonly key: KeyRow;
  readonly evidence: string;
}

export async function previewRule(ctx: CallContext, rule: ResponseRuleRow): Promise<RulePreview> {
  const teams = await teamsOf(ctx.workspace, [rule.selector]);
  const { found, complete } = await candidates(ctx, rule.when);
  const matched = found.filter(({ key }) => selectorFits(rule.selector, key, teams));
  const items: PreviewedKey[] = [];
  for (const { key, evidence } of matched.slice(0, SHOWN_MAX)) {
    items.push({ kid: key.kid, name: key.name, evidence, actions: await wouldDo(ctx, rule, key, evidence) });
  }
  return { matched: matched.length, complete, items };
}

async function wouldDo(ctx: CallContext, rule: ResponseRuleRow, key: KeyRow, evidence: string): Promise<string[]> {
  const { workspaceId } = ctx.workspace;
  const trigger = { kind: rule.when.kind, workspaceId, subject: { kind: 'key', kid: key.kid }, evidence } as const;
  const taken = await takeActions(ctx, { rule: { ...rule, state: 'dry-run' }, key, trigger, reason: evidence });
  return (taken?.effects ?? []).map(describeEffect);
}

interface Candidates {
  readonly found: readonly Found[];
  readonly complete: boolean;
}

async function candidates(ctx: CallContext, when: When): Promise<Candidates> {
  if (isCondition(when)) return meeting(ctx, when);
  if (when.kind === 'leak' || (when.kind === 'repeated_failures' && when.per === 'network')) {
    return { found: [], complete: true };
  }
  return countedLately(ctx, when);
}

async function meeting(ctx: CallContext, when: Parameters<typeof isCondition>[0]): Promise<Candidates> {
  const found = new Map<string, Found>();
  if (!isCondition(when)) return { found: [], complete: true };
  const reader = await readConditions(ctx);
  let looked = 0;
  for (const scan of reader.scansFor(when)) {
    let after = '';
    for (;;) {
      const keys = await ctx.workspace.scans.keys(scan, after, PAGE);
      for (const key of keys) {
        const evidence = await reader.evidenceOf(when, key);
        if (evidence !== null) found.set(key.kid, { key, evidence });
      }
      after = keys.at(-1)?.kid ?? after;
      looked += keys.length;
      if (looked >= KEYS_MAX) return { found: [...found.values()], complete: false };
      if (keys.length < PAGE) break;
    }
  }
  return { found: [...found.values()], complete: true };
}

type Counted = Extract<When, { readonly kind: 'repeated_failures' | 'dead_key_use' }>;

/** Out of the call records of the time that the rule looks back. */
async function countedLately(ctx: CallContext, when: Counted): Promise<Candidates> {
  const failures = when.kind === 'repeated_failures';
  const codes = failures ? ['secret_mismatch'] : ['revoked', 'compromised', 'expired'];
  // Calls that proved no key belong to no workspace: only keys of this one are looked up among them.
  const workspaceId = failures ? null : ctx.workspace.workspaceId;
  const counts = new Map<string, number>();
  let complete = true;
  for (const code of codes) {
    let cursor: string | null = null;
    let read = 0;
    do {
      const filter = { code, fromMs: ctx.nowMs - when.withinMs, toMs: ctx.nowMs + 1 };
      const page: Awaited<ReturnType<typeof ctx.deps.calls.list>> = await ctx.deps.calls.list(
        workspaceId,
        { cursor, limit: PAGE },
        filter,
      );
      for (const { kid } of page.items) if (kid !== null) counts.set(kid, (counts.get(kid) ?? 0) + 1);
      cursor = page.next;
      read += page.items.length;
    } while (cursor !== null && read < CALLS_MAX);
    if (cursor !== null) complete = false;
  }
  const kids = [...counts].filter(([, count]) => count >= when.count).map(([kid]) => kid);
  const keys = kids.length === 0 ? [] : await ctx.workspace.keys.getMany(kids.slice(0, PAGE));
  const what = failures ? 'calls that named it did not prove it' : 'calls were made with it after its end';
  return { found: keys.map((key) => ({ key, evidence: `${counts.get(key.kid)} ${what}` })), complete };
}
