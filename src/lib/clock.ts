/** Where time comes from: injected, so that tests can move it. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
}

/** The machine's own time. */
export const systemClock: Clock = { now: () => Date.now() };
