import { readFileSync } from 'node:fs';

/** USER_HZ: Linux reports hundredths of a second on every architecture of Node. */
const tickMs = 10;

/** CPU time of a process so far; NaN without /proc. */
export function cpuMsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name in brackets and may contain spaces; utime and stime are the 14th
    // and 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return Number.NaN;
  }
}
