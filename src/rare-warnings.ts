import type { Log } from './log.ts';

const everyMs = 10_000;
/** Kinds that are told apart. Beyond it the oldest is forgotten, and written again. */
const kindsMax = 100;

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

  warn(fields: { err: unknown } & Record<string, unknown>, message: string): void {
    const { err, ...others } = fields;
    const name = `${message} ${JSON.stringify(others)} ${kindOf(err)}`;
    const nowMs = this.#nowMs();
    const kind = this.#kinds.get(name);
    if (kind !== undefined && nowMs - kind.writtenMs < everyMs) {
      kind.leftOut += 1;
      return;
    }
    this.#log.warn({ ...fields, ...(kind && kind.leftOut > 0 && { left_out: kind.leftOut }) }, message);
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

/** Slots, ports and addresses differ from one fault to the next of the same kind. */
function kindOf(error: unknown): string {
  return (error instanceof Error ? `${error.name} ${error.message}` : String(error))
    .slice(0, 200)
    .replaceAll(/\d+/g, '#');
}
