import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const lookMs = 200;
const quietShare = 0.1;

/**
 * Waits for an idle machine within a time limit, and records how busy it was at the start of each
 * measurement.
 */
export class OtherWork {
  readonly seen: number[] = [];
  #patienceMs: number;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Call it while all our processes are idle. */
  async waitForQuiet(): Promise<void> {
    let share = await busyShare();
    while (share > quietShare && this.#patienceMs > 0) {
      this.#patienceMs -= lookMs;
      share = await busyShare();
    }
    this.seen.push(share);
  }
}

async function busyShare(): Promise<number> {
  const before = times();
  await sleep(lookMs);
  const after = times();
  return 1 - (after.idle - before.idle) / (after.total - before.total);
}

function times(): { idle: number; total: number } {
  const all = cpus().map((cpu) => cpu.times);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    idle: sum(all.map((time) => time.idle)),
    total: sum(all.map((time) => sum(Object.values(time)))),
  };
}
