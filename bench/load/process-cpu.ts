import { readFileSync } from 'node:fs';

/**
 * USER_HZ: Linux reports to user space in hundredths of a second on every architecture that Node
 * runs on.
 */
const tickMs = 10;

/** The processor time a process has used so far; NaN where there is no /proc to ask. */
export function cpuMsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may hold spaces; utime and stime are
    // the 14th and 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return Number.NaN;
  }
}
