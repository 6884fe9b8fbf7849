import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const beatMs = 20;
/** A beat takes a few milliseconds more on a machine that keeps up. */
const slowMs = 150;

/**
 * A small transaction again and again, beside a load and on the same Postgres. It shares the
 * machine with the load and nothing of the product: when it is slow, a call of the load that timed
 * out says nothing about the product.
 */
export class Witness {
  readonly #client: Client;
  #slowUntilMs = 0;
  #beganMs = performance.now();
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(databaseUrl: string) {
    this.#client = new Client({ connectionString: databaseUrl });
  }

  async start(): Promise<void> {
    await this.#client.connect();
    this.#running = this.#beat();
  }

  /** Whether a beat was slow that ended after this moment, or is under way. */
  wasSlow(sinceMs: number): boolean {
    return this.#slowUntilMs >= sinceMs || performance.now() - this.#beganMs > slowMs;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#client.end();
  }

  async #beat(): Promise<void> {
    while (!this.#isStopped) {
      this.#beganMs = performance.now();
      await sleep(beatMs);
      await this.#client.query("SELECT pg_logical_emit_message(true, 'beat', '')");
      const endedMs = performance.now();
      if (endedMs - this.#beganMs > slowMs) this.#slowUntilMs = endedMs;
    }
  }
}
