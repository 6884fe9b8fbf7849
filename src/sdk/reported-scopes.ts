import type { AskedScope } from '../domain/asked-scope.ts';
import { AskedScopes } from '../verify/asked-scopes.ts';
import type { Broker } from './broker.ts';
import { FlowplateApiError } from './errors.ts';
import { isLostCause } from './lost-cause.ts';

type Parts = {
  broker: Pick<Broker, 'reportScopes'>;
  lease: { readonly verifierId: string | undefined; readonly registrations: number };
  onFault: (error: unknown) => void;
};

/** As many as the broker takes in one report. */
const scopesPerReport = 200;

/** A broker of the previous release does not know these reports. It may be replaced meanwhile. */
const pauseMs = 5 * 60_000;

/**
 * Scopes that an embedded verifier was asked for, reported to the broker. Each registration begins
 * with a report, even an empty one: it tells the broker that this verifier reports at all.
 */
export class ReportedScopes extends AskedScopes {
  readonly #parts: Parts;
  /**
   * Registration that all scopes are told anew for. Done once for each, however often its first
   * report fails, since the waiting scopes would grow without a bound.
   */
  #registrationsForgotten = 0;
  #registrationsTold = 0;
  #pausedUntilMs = 0;

  constructor(parts: Parts) {
    super((asked) => this.#report(asked), parts.onFault);
    this.#parts = parts;
  }

  override async flush(): Promise<void> {
    const { registrations, verifierId } = this.#parts.lease;
    if (verifierId === undefined || performance.now() < this.#pausedUntilMs) return;
    try {
      if (registrations !== this.#registrationsForgotten) {
        this.forget();
        this.#registrationsForgotten = registrations;
      }
      if (registrations !== this.#registrationsTold) {
        await this.#report([]);
        this.#registrationsTold = registrations;
      }
      await super.flush();
    } catch (error) {
      if (!isUnknownReport(error)) throw error;
      this.#pausedUntilMs = performance.now() + pauseMs;
    }
  }

  async #report(asked: readonly AskedScope[]): Promise<void> {
    const { broker, lease, onFault } = this.#parts;
    if (lease.verifierId === undefined) throw new Error('not registered yet');
    for (let start = 0; start === 0 || start < asked.length; start += scopesPerReport) {
      const some = asked.slice(start, start + scopesPerReport);
      await broker.reportScopes(lease.verifierId, some).catch((error: unknown) => {
        if (!isLostCause(error)) throw error;
        onFault(error);
      });
    }
  }
}

function isUnknownReport(error: unknown): boolean {
  return error instanceof FlowplateApiError && error.status === 404 && error.code !== 'VERIFIER_NOT_FOUND';
}
