import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

interface ProcessStat {
  readonly parent: number;
  readonly ticks: number;
}

let ticksPerSecond: number | null = null;

/** CPU microseconds that a process and all below it have used, all threads, user and system (Linux, proc(5)). */
export function cpuMicrosOfTree(root: number): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const stats = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(name) : null;
    if (stat !== null) stats.set(Number(name), stat);
  }
  let ticks = 0;
  for (const [pid, stat] of stats) if (isBelow(pid, root, stats)) ticks += stat.ticks;
  return (ticks / ticksPerSecond) * 1e6;
}

function readStat(pid: string): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended between the listing and the look.
    return null;
  }
  // The name stands in parentheses and may hold anything; what follows is fields from the third on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

function isBelow(pid: number, root: number, stats: ReadonlyMap<number, ProcessStat>): boolean {
  for (let at = pid; at > 1; at = stats.get(at)?.parent ?? 0) if (at === root) return true;
  return false;
}
