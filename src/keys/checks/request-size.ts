/** How large a request may be, by the limits of every level. */
import type { DecisionInput } from '../decision-input.ts';
import type { Level } from '../standing.ts';
import type { Check } from './check.ts';

export const requestSize: Check = {
  name: 'request-size',
  group: 'quota',
  run({ standing, facts: { requestBytes } }) {
    if (requestBytes === null) return 'skipped';
    for (const level of standing.levels) if (refuses(level, requestBytes)) return 'request_too_large';
    return 'pass';
  },
  detail(input) {
    const { requestBytes } = input.facts;
    if (requestBytes === null) return 'no request was sent';
    const level = refusing(input);
    if (level === undefined) return `${requestBytes} bytes: allowed by every level that limits them`;
    return `${requestBytes} bytes; requestBytesMax of the ${level.kind} ${level.id}: ${level.limits.requestBytesMax}`;
  },
  remedy(input) {
    const level = refusing(input);
    const to = input.facts.requestBytes ?? 0;
    const isOfKey = level?.kind === 'key' || level?.kind === 'temporary' || level?.kind === 'delegated';
    return {
      wouldPassIf: `the request were smaller, or requestBytesMax of the ${level?.kind ?? 'key'} ${level?.id ?? ''} at least ${to}`,
      who: isOfKey ? 'key owner' : 'workspace admin',
      fix:
        level === undefined
          ? null
          : { kind: 'raise-limit', level: level.kind, levelId: level.id, name: 'requestBytesMax', to },
    };
  },
};

function refusing({ standing, facts: { requestBytes } }: DecisionInput): Level | undefined {
  return standing.levels.find((level) => requestBytes !== null && refuses(level, requestBytes));
}

function refuses({ limits: { requestBytesMax } }: Level, bytes: number): boolean {
  // Written so that a NaN refuses.
  return requestBytesMax !== null && !(bytes <= requestBytesMax);
}
