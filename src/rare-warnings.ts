import type { Log } from './log.ts';

const everyMs = 10_000;
/** Kinds that are told apart. Beyond it the oldest is forgotten, and written again. */
const kindsMax = 100;
/** Numbers in it do not count: slots, ports and addresses differ from one fault to the next. */
const kindLengthMax = 200;

type Kind = { writtenMs: number; leftOut: number };

/**
 * Rate-limited warnings: those of one kind are logged once in ten seconds, with the number that was
 * left out before. A fault that comes with every command would fill the disk within minutes.
 */
export class RareWarnings {
  readonly #log: Pick<Log, 'warn'>;
  readonly #nowMs: () => number;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: Pick<Log, 'warn'>, nowMs = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** `kind`: of which it is one. Warnings of other kinds do not keep it out. */
  warn(kind: string, fields: Record<string, unknown>, message: string): void {
    const name = kind.slice(0, kindLengthMax).replaceAll(/\d+/g, '#');
    const nowMs = this.#nowMs();
    const known = this.#kinds.get(name);
    if (known !== undefined && nowMs - known.writtenMs < everyMs) {
      known.leftOut += 1;
      return;
    }
    this.#log.warn({ ...fields, ...(known && known.leftOut > 0 && { left_out: known.leftOut }) }, message);
    this.#remember(name, nowMs);
  }

  #remember(name: string, writtenMs: number): void {
    // Behind the others: a map is in the order of insertion.
    this.#kinds.delete(name);
    this.#kinds.set(name, { writtenMs, leftOut: 0 });
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size > kindsMax && oldest !== undefined) this.#kinds.delete(oldest);
  }
}
