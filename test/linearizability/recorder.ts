import { type Action, isVerification } from './action.ts';
import type { Operation } from './checker.ts';
import { type Entry, findContradictions, type Owner } from './contradictions.ts';
import type { Verifier } from './verifier.ts';

/** How a change ended. `nothing`: it never reached a server. */
export type Ended = { action: Action; effectiveByMs?: number | undefined } | 'nothing';

/** Writes down what clients did and were told, on this process's monotonic clock. */
export class Recorder {
  readonly entries: Entry[] = [];
  readonly #leaseMs: number;
  readonly #by = new Map<Operation<Action>, string>();
  /** Verifications that nobody answered with yes or no. They say nothing. */
  undecided = 0;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * A verdict of one verifier holds for all one lease later: the change was committed, a lease
   * extended since has read it, and other leases have ended. That orders verifications; `complete`
   * orders them much sooner.
   */
  async verification(owner: Owner, key: string, verifier: Verifier): Promise<void> {
    const call = performance.now();
    const outcome = await verifier.verify(key);
    const returned = performance.now();
    if (outcome === 'undecided') {
      this.undecided += 1;
      return;
    }
    const settled = returned + this.#leaseMs;
    const operation: Operation<Action> = {
      action: { kind: 'verify', outcome, key },
      call,
      returned,
      settled,
    };
    this.#by.set(operation, verifier.name);
    this.entries.push({ owners: [owner], operation });
  }

  /**
   * One change, for everyone whose keys it is about. It is certain when its answer says so: at
   * once, or by a given time.
   */
  async change(owners: readonly Owner[], perform: () => Promise<Ended>): Promise<Ended> {
    const call = performance.now();
    const ended = await perform();
    if (ended === 'nothing') return ended;
    const returned = ended.action.outcome === 'unknown' ? Infinity : performance.now();
    const certainMs = (ended.effectiveByMs ?? Date.now()) - Date.now() + performance.now();
    const operation = { action: ended.action, call, returned, settled: Math.max(returned, certainMs) };
    this.entries.push({ owners, operation });
    return ended;
  }

  /** When the answered changes of this one have reached every verifier. */
  certainMs(owner: Owner): number {
    const changes = this.entries.filter(
      ({ owners, operation }) => owners.includes(owner) && !isVerification(operation.action),
    );
    return Math.max(0, ...changes.map(({ operation }) => operation.settled).filter(Number.isFinite));
  }

  contradictions() {
    return findContradictions(this.entries).map((found) => ({
      ...found,
      by: this.#by.get(found.misfit) ?? 'the answer to a change',
    }));
  }
}
