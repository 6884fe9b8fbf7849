/** Longer than a failover, and than BullMQ takes to begin a run that is due. */
const dueSecondsMax = 15;

/** `away`: its Redis does not answer. Else for how long a run has been due that nobody began. */
type Look = 'away' | { dueForSeconds: number };

export type SilenceMeasure = 'none' | 'reset' | 'restart';

/**
 * Decides what ends the silence of a queue that gives this worker no runs. While Redis is away, and
 * just after it came back, nothing does. A queue without due runs is paused or holds forged
 * schedules: it is emptied. Runs that are due and not begun mean that this worker's client hangs,
 * as BullMQ's does after some failovers: only a new process gets a new one.
 */
export class SilentQueue {
  #wasAway = false;
  #wasReset = false;

  /** The queue gave a run. */
  end(): void {
    this.#wasAway = false;
    this.#wasReset = false;
  }

  decide(look: Look): SilenceMeasure {
    const wasAway = this.#wasAway;
    this.#wasAway = look === 'away';
    if (look === 'away' || wasAway) return 'none';
    if (this.#wasReset || look.dueForSeconds > dueSecondsMax) return 'restart';
    this.#wasReset = true;
    return 'reset';
  }
}
