/**
 * Ten times what an embedded verifier was measured to decide in a second on one core
 * (docs/performance.md).
 */
const callsPerSecondMax = 5_000_000;

/** Maximum number of decisions of one verifier a minute. */
export const callsPerMinuteMax = 60 * callsPerSecondMax;

/**
 * More verifiers than a deployment has. A verifier that was evicted starts with a full minute
 * again.
 */
const budgetsMax = 10_000;

type Budget = { calls: number; atMs: number };

/**
 * Token bucket for each verifier: a minute's calls at once, then as many as it can decide. The
 * counts held up by an outage fit in, since a verifier that is cut off decides nothing after its
 * lease.
 */
export class CallBudgets {
  readonly #budgets = new Map<string, Budget>();

  /** Spends the calls and returns true, if they are within the budget. `nowMs`: monotonic clock. */
  spend(verifierId: string, calls: number, nowMs: number): boolean {
    const budget = this.#filledUp(verifierId, nowMs);
    if (calls > budget.calls) return false;
    budget.calls -= calls;
    return true;
  }

  #filledUp(verifierId: string, nowMs: number): Budget {
    const budget = this.#budgets.get(verifierId) ?? this.#begin(verifierId, nowMs);
    const gained = ((nowMs - budget.atMs) / 1_000) * callsPerSecondMax;
    budget.calls = Math.min(budget.calls + gained, callsPerMinuteMax);
    budget.atMs = nowMs;
    return budget;
  }

  #begin(verifierId: string, nowMs: number): Budget {
    if (this.#budgets.size >= budgetsMax) {
      for (const oldest of this.#budgets.keys()) {
        this.#budgets.delete(oldest);
        break;
      }
    }
    const budget = { calls: callsPerMinuteMax, atMs: nowMs };
    this.#budgets.set(verifierId, budget);
    return budget;
  }
}
