import { type JobName, jobs } from './jobs.ts';

type Begun = { atMs: number; isRunning: boolean };

export type RhythmParts = {
  run: (name: JobName) => Promise<unknown>;
  /** The queue has given no run for long, although there was a place for one. */
  onSilence: () => Promise<unknown>;
  /** Runs that the queue gives at once. */
  places: number;
  nowMs: () => number;
};

const names = Object.keys(jobs) as JobName[];

/** Runs that other workers took, or a moment without Redis, are not a broken queue yet. */
const missedMax = 3;
const silenceMs = 30_000;

/**
 * Watchdog of the job queue. A queue that gives this worker no runs may be paused, full of strange
 * jobs, or hold forged schedules: everything in Redis can be changed by others. Jobs have no
 * payload and may run twice, so this worker runs an overdue one by itself. Of a queue that stays
 * silent it tells.
 */
export class Rhythm {
  readonly #parts: RhythmParts;
  readonly #begun: Map<JobName, Begun>;
  readonly #alone = new Set<Promise<unknown>>();
  #givenMs: number;
  #given = 0;

  constructor(parts: RhythmParts) {
    this.#parts = parts;
    this.#givenMs = parts.nowMs();
    this.#begun = new Map(names.map((name) => [name, { atMs: this.#givenMs, isRunning: false }]));
  }

  /** A run that the queue gave. */
  async runGiven(name: JobName): Promise<unknown> {
    if (name === mostFrequent) this.#givenMs = this.#parts.nowMs();
    this.#given += 1;
    try {
      return await this.#run(name);
    } finally {
      this.#given -= 1;
    }
  }

  /** Starts what is overdue, and waits for none of it: a slow job must not hold up the others. */
  catchUp(): void {
    const nowMs = this.#parts.nowMs();
    // Slow jobs in every place are no silence of the queue.
    if (this.#given >= this.#parts.places) this.#givenMs = nowMs;
    if (nowMs - this.#givenMs > silenceMs) {
      this.#givenMs = nowMs;
      void this.#parts.onSilence().catch(() => undefined);
    }
    for (const name of names) if (this.#isOverdue(name, nowMs)) this.#runAlone(name);
  }

  /** Resolves when none of the runs that it started is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#alone);
  }

  #runAlone(name: JobName): void {
    // A fault is the job's own to report.
    const run = this.#run(name).catch(() => undefined);
    this.#alone.add(run);
    void run.then(() => this.#alone.delete(run));
  }

  #isOverdue(name: JobName, nowMs: number): boolean {
    const begun = this.#begun.get(name);
    if (begun === undefined || begun.isRunning) return false;
    return nowMs - begun.atMs > missedMax * jobs[name].everyMs;
  }

  async #run(name: JobName): Promise<unknown> {
    const begun = { atMs: this.#parts.nowMs(), isRunning: true };
    this.#begun.set(name, begun);
    try {
      return await this.#parts.run(name);
    } finally {
      begun.isRunning = false;
    }
  }
}

const mostFrequent = names.reduce((one, other) => (jobs[other].everyMs < jobs[one].everyMs ? other : one));
