import type { Log } from '../log.ts';
import { FlowplateApiError } from '../sdk/errors.ts';

/** A broker that is away causes a fault a second, and one line says as much as all of them. */
const everyMs = 10_000;

/**
 * Logs faults in the background: one line in ten seconds, with how many there were since the last
 * one, and with the broker that is tried next.
 */
export class FaultLog {
  readonly #log: Pick<Log, 'warn'>;
  readonly #nextBroker: () => string;
  #nextMs = 0;
  #unsaid = 0;

  constructor(log: Pick<Log, 'warn'>, nextBroker: () => string) {
    this.#log = log;
    this.#nextBroker = nextBroker;
  }

  note(error: unknown): void {
    this.#unsaid += 1;
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    const said = { fault: textOf(error), faults: this.#unsaid, next_broker: this.#nextBroker() };
    this.#log.warn(
      said,
      isRefusal(error) ? 'the broker refuses the master key' : 'the broker could not be asked',
    );
    this.#nextMs = nowMs + everyMs;
    this.#unsaid = 0;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof FlowplateApiError && (error.status === 401 || error.status === 403);
}

/** The messages of an error and of its causes. A refusal has the broker's words. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error instanceof FlowplateApiError ? `${error.status} ${error.message}` : error.message;
  const code = 'code' in error && !own.includes(String(error.code)) ? ` (${error.code})` : '';
  return error.cause === undefined ? own + code : `${own}${code}: ${textOf(error.cause)}`;
}
