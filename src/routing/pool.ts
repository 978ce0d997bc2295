import { BoundedMap } from '../lib/bounded-map.ts';
import { backOffMs } from './back-off.ts';
import type { BackOff } from './back-off.ts';
import type { HealthPlace, HealthTable } from './health-table.ts';
import { WELL } from './health-word.ts';
import type { Health, HealthState } from './health-word.ts';
import type { FailureKind } from './provider-error.ts';
import { rendezvousScore } from './rendezvous.ts';
import { SmoothTurns } from './smooth-turns.ts';
import { availabilityOf, giveProbeBack, markWell, takeProbe } from './standing.ts';
import type { Availability } from './standing.ts';
import { compileWildcard, matchWildcard } from './wildcard.ts';
import type { Wildcard } from './wildcard.ts';

/** A credential as its pool knows it: without its secret. */
export interface PoolMember {
  readonly id: string;
  /** Those with the lowest number are used as long as one of them can be. */
  readonly priority: number;
  /** Share of the calls among those of the same priority. */
  readonly weight: number;
  /** Models it may be used for, as names with at most one `*`; null for all. */
  readonly models: readonly string[] | null;
  /** Changes with the secret: a new one starts with a clean slate. */
  readonly fingerprint: string;
}

export interface PoolOptions {
  /** Names the pool among all that share the table: the workspace and the provider. */
  readonly name: string;
  readonly members: readonly PoolMember[];
  readonly table: HealthTable;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Which credential a call is to use, or that none can be. */
export type PoolChoice =
  | { readonly kind: 'use'; readonly member: PoolMember; readonly isProbe: boolean }
  /**
   * `recoversAtMs`: the soonest moment at which one may be back; null where none is for this model.
   * `why`: what all of them are out for; null where that differs.
   */
  | { readonly kind: 'none'; readonly recoversAtMs: number | null; readonly why: FailureKind | null };

export interface NextOptions {
  /** Null where the call names none. */
  readonly model: string | null;
  readonly nowMs: number;
  /** Ids that this call has tried: used again only when nothing else is left. */
  readonly tried?: readonly string[];
  /** Of the conversation: it goes to the same credential as long as that is well. */
  readonly affinity?: number | null;
}

/** What an attempt with a credential came to. */
export interface PoolReport {
  readonly member: PoolMember;
  readonly model: string | null;
  readonly isProbe: boolean;
  readonly nowMs: number;
}

export interface PoolFailure {
  readonly kind: FailureKind;
  readonly retryAfterMs: number | null;
  readonly perModel: boolean;
}

/** How a credential stands, for people. */
export interface MemberView {
  readonly id: string;
  readonly state: HealthState;
  /** Unix milliseconds; null while it can be used. */
  readonly untilMs: number | null;
  /** Whether the provider itself named that moment; otherwise a probe is to show. */
  readonly isTimed: boolean;
  readonly kind: FailureKind | null;
  readonly failuresInARow: number;
  /** Models that it is out of use for, while it can be used for others. */
  readonly models: readonly { readonly model: string; readonly untilMs: number; readonly kind: FailureKind | null }[];
}

/** A 401 may be a hiccup of the provider: it is looked at again this soon before it is believed. */
const RECHECK_AFTER_MS = 1_000;
const REJECTED: BackOff = { firstMs: 30_000, longestMs: 600_000 };
/** For limits of which the provider does not say when they end: most count per minute. */
const COOLING: BackOff = { firstMs: 2_000, longestMs: 60_000 };
const EXHAUSTED: BackOff = { firstMs: 60_000, longestMs: 3_600_000 };
/** Models remembered by name: callers make them up. */
const MODELS_MAX = 1_024;

/** The credentials of one provider: who is used next, and how each comes back when it was not well. */
export class CredentialPool {
  readonly name: string;
  readonly members: readonly PoolMember[];
  readonly #table: HealthTable;
  readonly #random: () => number;
  readonly #places: readonly HealthPlace[];
  readonly #served: readonly (readonly Wildcard[] | null)[];
  /** Indexes of the members by priority, the first to be used in front. */
  readonly #ranks: readonly (readonly number[])[];
  readonly #turns: SmoothTurns;
  /** By model: a place for each member. */
  readonly #modelPlaces = new BoundedMap<string, readonly HealthPlace[]>(MODELS_MAX);

  constructor({ name, members, table, random }: PoolOptions) {
    this.name = name;
    this.members = members;
    this.#table = table;
    this.#random = random;
    this.#places = members.map((member) => table.place(this.#placeName(member)));
    this.#served = members.map(({ models }) => models?.map(compileWildcard) ?? null);
    const priorities = [...new Set(members.map(({ priority }) => priority))].toSorted((a, b) => a - b);
    this.#ranks = priorities.map((priority) => [...members.keys()].filter((i) => members[i]?.priority === priority));
    this.#turns = new SmoothTurns(members.map(({ weight }) => weight));
  }

  /** The credential for the next attempt. Whoever takes a probe must report what became of it. */
  next({ model, nowMs, tried = NONE, affinity = null }: NextOptions): PoolChoice {
    const chosen = this.#choose(model, nowMs, tried, affinity);
    if (chosen !== null) return chosen;
    // A second attempt with the same credential is better than none.
    const again = tried.length === 0 ? null : this.#choose(model, nowMs, NONE, affinity);
    return again ?? this.#noneLeft(model, nowMs);
  }

  succeeded({ member, model, isProbe, nowMs }: PoolReport): void {
    for (const place of this.#placesOf(member, model)) markWell(this.#table, place, isProbe, nowMs);
  }

  failed(report: PoolReport, { kind, retryAfterMs, perModel }: PoolFailure): void {
    const { member, model, isProbe, nowMs } = report;
    switch (kind) {
      case 'rejected_credential':
        this.#bench(member, null, nowMs, (strikes) => this.#rejection(strikes, nowMs));
        return;
      case 'rate_limited':
        this.#bench(member, perModel ? model : null, nowMs, (strikes) =>
          this.#pause('cooling', kind, { retryAfterMs, backOff: COOLING, strikes, nowMs }),
        );
        return;
      case 'quota_exhausted':
        this.#bench(member, perModel ? model : null, nowMs, (strikes) =>
          this.#pause('exhausted', kind, { retryAfterMs, backOff: EXHAUSTED, strikes, nowMs }),
        );
        return;
      case 'overloaded':
      case 'unavailable':
      case 'timeout':
        // The provider's trouble says nothing about the credential: the breaker keeps count of that.
        if (isProbe) this.abandoned(report);
        return;
      case 'forbidden':
      case 'context_too_long':
      case 'content_filtered':
      case 'bad_request':
      case 'not_found':
        // The caller's own mistake: the provider has let the credential in.
        this.succeeded(report);
        return;
    }
  }

  /** The attempt ended without an outcome, as when the caller left. */
  abandoned({ member, model, nowMs }: PoolReport): void {
    for (const place of this.#placesOf(member, model)) giveProbeBack(this.#table, place, nowMs);
  }

  /** Whether there is one to use now that this call has not tried. */
  hasOther({ model, nowMs, tried = NONE }: NextOptions): boolean {
    const ofModel = model === null ? null : this.#modelPlacesOf(model);
    return this.members.some(
      ({ id }, index) =>
        !tried.includes(id) && this.#serves(index, model) && this.#availability(index, ofModel, nowMs) !== 'out',
    );
  }

  /** How many can be used now for a model, and of how many. */
  capacity(model: string | null, nowMs: number): { readonly usable: number; readonly all: number } {
    const all = [...this.members.keys()].filter((index) => this.#serves(index, model));
    const ofModel = model === null ? null : this.#modelPlacesOf(model);
    const usable = all.filter((index) => this.#availability(index, ofModel, nowMs) !== 'out');
    return { usable: usable.length, all: all.length };
  }

  /** The provider was seen to let it in, outside of any call: it is not rejected any more. */
  vouch({ member, nowMs }: PoolReport): void {
    const place = this.#places[this.members.indexOf(member)];
    if (place === undefined) return;
    this.#table.update(place, nowMs, (health) => (health.kind === 'rejected_credential' ? WELL : null));
  }

  /** How each stands as a whole, and for these models. */
  view(nowMs: number, models: readonly string[] = NONE): readonly MemberView[] {
    return this.members.map(({ id }, index) => {
      const place = this.#places[index];
      const health = place === undefined ? null : this.#table.read(place);
      const isFree = health === null || availabilityOf(health, nowMs) === 'free';
      return {
        id,
        state: isFree ? 'healthy' : health.state,
        untilMs: isFree ? null : health.untilMs,
        isTimed: !isFree && health.isTimed,
        kind: health?.kind ?? null,
        failuresInARow: health?.strikes ?? 0,
        models: models.flatMap((model) => {
          const ofModel = this.#modelPlacesOf(model)[index];
          const { untilMs, kind: cause } = ofModel === undefined ? WELL : this.#table.read(ofModel);
          return untilMs > nowMs ? [{ model, untilMs, kind: cause }] : [];
        }),
      };
    });
  }

  #choose(
    model: string | null,
    nowMs: number,
    tried: readonly string[],
    affinity: number | null,
  ): Extract<PoolChoice, { kind: 'use' }> | null {
    const ofModel = model === null ? null : this.#modelPlacesOf(model);
    for (const rank of this.#ranks) {
      const free: number[] = [];
      const due: number[] = [];
      for (const index of rank) {
        if (!this.#serves(index, model) || tried.includes(this.members[index]?.id ?? '')) continue;
        const availability = this.#availability(index, ofModel, nowMs);
        if (availability === 'free') free.push(index);
        else if (availability === 'probe-due') due.push(index);
      }
      // A conversation that has its place is not used to find out how another one stands.
      const probing =
        affinity === null || free.length === 0 ? due.find((i) => this.#probe(i, model, nowMs)) : undefined;
      const index = probing ?? (free.length === 0 ? undefined : this.#pick(free, affinity));
      const member = index === undefined ? undefined : this.members[index];
      if (member !== undefined) return { kind: 'use', member, isProbe: probing !== undefined };
    }
    return null;
  }

  #pick(free: readonly number[], affinity: number | null): number | undefined {
    if (affinity === null || free.length === 1) return this.#turns.next(free);
    return free.toSorted((a, b) => this.#score(affinity, b) - this.#score(affinity, a))[0];
  }

  #score(affinity: number, index: number): number {
    const member = this.members[index];
    return member === undefined ? 0 : rendezvousScore(affinity, member.id, member.weight);
  }

  #probe(index: number, model: string | null, nowMs: number): boolean {
    return this.#placesAt(index, model)
      .filter((place) => availabilityOf(this.#table.read(place), nowMs) !== 'free')
      .every((place) => takeProbe(this.#table, place, nowMs));
  }

  #noneLeft(model: string | null, nowMs: number): PoolChoice {
    let recoversAtMs: number | null = null;
    const causes = new Set<FailureKind | null>();
    for (const index of this.members.keys()) {
      if (!this.#serves(index, model)) continue;
      let backAtMs = nowMs;
      let cause: FailureKind | null = null;
      for (const place of this.#placesAt(index, model)) {
        const { untilMs, kind } = this.#table.read(place);
        if (untilMs <= backAtMs) continue;
        backAtMs = untilMs;
        cause = kind;
      }
      causes.add(cause);
      recoversAtMs = Math.min(backAtMs, recoversAtMs ?? backAtMs);
    }
    const [why] = causes;
    return { kind: 'none', recoversAtMs, why: causes.size === 1 ? (why ?? null) : null };
  }

  #availability(index: number, ofModel: readonly HealthPlace[] | null, nowMs: number): Availability {
    const own = this.#availabilityAt(this.#places[index], nowMs);
    if (own === 'out' || ofModel === null) return own;
    const model = this.#availabilityAt(ofModel[index], nowMs);
    return model === 'free' ? own : model;
  }

  #availabilityAt(place: HealthPlace | undefined, nowMs: number): Availability {
    return place === undefined ? 'out' : availabilityOf(this.#table.read(place), nowMs);
  }

  #serves(index: number, model: string | null): boolean {
    const served = this.#served[index] ?? null;
    return served === null || model === null || served.some((pattern) => matchWildcard(pattern, model) !== null);
  }

  /** Where there is no room to keep a model apart, the whole credential rests. */
  #bench(member: PoolMember, model: string | null, nowMs: number, next: (strikes: number) => Health): void {
    const index = this.members.indexOf(member);
    const places = [model === null ? undefined : this.#modelPlacesOf(model)[index], this.#places[index]];
    for (const place of places) {
      if (place === undefined) continue;
      const done = this.#table.update(place, nowMs, (before) => {
        const after = next(before.strikes + 1);
        // A failure that comes in late does not bring back sooner what rests for longer.
        const rests = before.isTimed && before.untilMs >= after.untilMs;
        return rests ? { ...before, strikes: after.strikes } : after;
      });
      if (done !== null) return;
    }
  }

  #rejection(strikes: number, nowMs: number): Health {
    const isFirst = strikes === 1;
    const waitMs = isFirst ? RECHECK_AFTER_MS : backOffMs(REJECTED, strikes - 1, this.#random());
    return {
      state: isFirst ? 'cooling' : 'rejected',
      untilMs: nowMs + waitMs,
      isTimed: false,
      isProbed: false,
      strikes,
      kind: 'rejected_credential',
    };
  }

  #pause(state: HealthState, kind: FailureKind, { retryAfterMs, backOff, strikes, nowMs }: PauseOptions): Health {
    const waitMs = retryAfterMs ?? backOffMs(backOff, strikes, this.#random());
    return { state, untilMs: nowMs + waitMs, isTimed: retryAfterMs !== null, isProbed: false, strikes, kind };
  }

  #placesOf(member: PoolMember, model: string | null): readonly HealthPlace[] {
    return this.#placesAt(this.members.indexOf(member), model);
  }

  #placesAt(index: number, model: string | null): readonly HealthPlace[] {
    const own = this.#places[index];
    const ofModel = model === null ? undefined : this.#modelPlacesOf(model)[index];
    return [own, ofModel].filter((place) => place !== undefined);
  }

  #modelPlacesOf(model: string): readonly HealthPlace[] {
    let places = this.#modelPlaces.get(model);
    if (places === undefined) {
      places = this.members.map((member) => this.#table.place(`${this.#placeName(member)}/${model}`));
      this.#modelPlaces.set(model, places);
    }
    return places;
  }

  #placeName({ id, fingerprint }: PoolMember): string {
    return `credential/${this.name}/${id}/${fingerprint}`;
  }
}

interface PauseOptions {
  readonly retryAfterMs: number | null;
  readonly backOff: BackOff;
  readonly strikes: number;
  readonly nowMs: number;
}

const NONE: readonly string[] = [];
