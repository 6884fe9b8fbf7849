import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { readTogether } from '../concurrency/read-together.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import type { Lease } from '../revocation/lease.ts';
import type { ListedTokenRule } from '../stores/postgres/master-keys/master-keys.ts';

/**
 * All living token rules, to tell which one a token is for. A rule's row is read apart, so an old
 * list admits nobody. Kept under the lease until the change feed tells of a master key; without a
 * lease each token waits for a read that begins after it came.
 */
export class TokenRuleList {
  readonly #lease: Pick<Lease, 'isHeld'>;
  readonly #readRules: () => Promise<readonly ListedTokenRule[]>;
  readonly #read = readTogether(() => this.#readNow());
  #rules: readonly ListedTokenRule[] = [];
  #heard = 0;
  /** Value of `#heard` when the read of `#rules` began. */
  #heardBefore = -1;

  constructor(lease: Pick<Lease, 'isHeld'>, readRules: () => Promise<readonly ListedTokenRule[]>) {
    this.#lease = lease;
    this.#readRules = readRules;
  }

  get(): MaybeLater<readonly ListedTokenRule[]> {
    return this.#heardBefore === this.#heard && this.#lease.isHeld() ? this.#rules : this.#read();
  }

  /** The feed begins anew, so that changes of master keys may have been missed. */
  reset(): void {
    this.#heard++;
  }

  apply(changes: readonly AppliedChange[]): void {
    if (changes.some(({ kind }) => kind === 'master_key')) this.#heard++;
  }

  async #readNow(): Promise<readonly ListedTokenRule[]> {
    const heardBefore = this.#heard;
    const rules = await this.#readRules();
    [this.#rules, this.#heardBefore] = [rules, heardBefore];
    return rules;
  }
}
