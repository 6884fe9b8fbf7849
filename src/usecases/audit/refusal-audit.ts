import type { Origin } from '../../domain/audit-event.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { type Caller, organizationOf, originOf, type Principal } from '../../domain/principal.ts';
import { type ChangeParts, commitChange } from '../change.ts';

export type Refusal = { caller: Caller<Principal>; operationId: string; code: ErrorCode };

type Repeated = Refusal & { count: number };

const windowMs = 60_000;

/** Beyond so many distinct refusals at a time, each is written individually. */
const windowsMax = 10_000;

/**
 * Audits refused operations of known callers. The first refusal of a caller, operation and code is
 * written at once. Repetitions within a minute are written as one event with their count. A
 * credential with few rights then cannot fill the append-only log.
 */
export class RefusalAudit {
  readonly #parts: Omit<ChangeParts, 'propagation'>;
  readonly #onFault: (error: unknown) => void;
  readonly #repeated = new Map<string, Repeated>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(parts: Omit<ChangeParts, 'propagation'>, onFault: (error: unknown) => void) {
    this.#parts = parts;
    this.#onFault = onFault;
  }

  /** Rejects when a first refusal cannot be written; the caller then gets this error only. */
  async note(refusal: Refusal): Promise<void> {
    const { principal } = refusal.caller;
    const name = `${principal.kind} ${principal.id} ${organizationOf(principal)} ${refusal.operationId} ${refusal.code}`;
    const known = this.#repeated.get(name);
    if (known !== undefined) {
      this.#repeated.set(name, { ...refusal, count: known.count + 1 });
      return;
    }
    if (this.#repeated.size < windowsMax) this.#open(name, refusal);
    await this.#write({ ...refusal, count: 1 });
  }

  /** Writes the counts so far. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const name of this.#repeated.keys()) await this.#end(name);
  }

  #open(name: string, refusal: Refusal): void {
    this.#repeated.set(name, { ...refusal, count: 0 });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#end(name).catch(this.#onFault);
    }, windowMs);
    timer.unref();
    this.#timers.add(timer);
  }

  async #end(name: string): Promise<void> {
    const repeated = this.#repeated.get(name);
    this.#repeated.delete(name);
    if (repeated === undefined || repeated.count === 0) return;
    // Of several requests, and the person may have been erased since: without an address.
    await this.#write(repeated, { ...originOf(repeated.caller), clientAddress: null });
  }

  async #write({ caller, operationId, code, count }: Repeated, by: Origin = originOf(caller)): Promise<void> {
    await commitChange(this.#parts, { by }, async () => ({
      answer: {},
      events: [
        {
          eventType: 'platform.access.refused',
          organizationId: organizationOf(caller.principal),
          targetId: operationId,
          result: 'refused',
          details: { code, ...(count > 1 && { count }) },
        },
      ],
      revokes: revokesNothing,
    }));
  }
}
