import type { AppliedChange } from '../domain/key-change.ts';
import { FingerprintTable } from './fingerprint-table.ts';

/** In a service mesh every caller has a certificate, and few have a rule. */
const absentMax = 10_000;

/**
 * Certificates that no rule names. Without this each request of a mesh would read Postgres, also
 * those with a master key in a header. The change feed says when a master key is created; all of
 * them may have a rule then.
 */
export class AbsentRules {
  readonly #absent = new FingerprintTable<true>(absentMax);
  #heard = 0;

  /** Changes heard so far; to be taken before a read. */
  get heard(): number {
    return this.#heard;
  }

  has(identity: string): boolean {
    return this.#absent.get(identity) === true;
  }

  /** Nothing if a change was heard since `heardBefore`. */
  add(identity: string, heardBefore: number): void {
    if (heardBefore === this.#heard) this.#absent.set(identity, true);
  }

  /** The feed begins anew, so that changes of master keys may have been missed. */
  reset(): void {
    this.forget();
  }

  apply(changes: readonly AppliedChange[]): void {
    if (changes.some(({ kind }) => kind === 'master_key')) this.forget();
  }

  forget(): void {
    this.#heard++;
    this.#absent.clear();
  }
}
