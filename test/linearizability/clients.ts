import type { Call } from '../support/call.ts';
import type { Random } from '../support/seeded-random.ts';
import { type KnownKey, mint, refresh } from './changes.ts';
import type { Owner } from './contradictions.ts';
import { type Fleet, leaseMs, type Member } from './fleet.ts';
import { type Ended, Recorder } from './recorder.ts';
import type { Verifier } from './verifier.ts';

/** At one verifier, unanswered. */
const outstandingMax = 80;
const operationsMax = 30_000;
/** The latest keys of an owner, which are asked about after each of its changes. */
const latestMax = 2;

/**
 * All that the clients of a run have in common: the keys that they were given, and the record of
 * what they did.
 */
export class Clients {
  readonly recorder = new Recorder(leaseMs);
  readonly #fleet: Fleet;
  readonly #keys = new Map<Owner, KnownKey[]>();
  readonly #outstanding = new Map<Verifier, Set<Promise<void>>>();
  readonly #spared = new Set<Member>();
  #operations = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  get isExhausted(): boolean {
    return this.#operations >= operationsMax;
  }

  get operator() {
    return this.#fleet.operator;
  }

  /** The key by which it is verified is the last; at most so many. */
  latestKeys(owner: Owner, countMax = latestMax): KnownKey[] {
    return this.#keys.get(owner)?.slice(-countMax) ?? [];
  }

  /** Any process of the API that may be asked. */
  pickCall(random: Random): Call {
    return random.pick(this.#members().flatMap(({ call }) => call ?? []));
  }

  /**
   * Records it, and asks every verifier as soon as it is answered: a protection that is missing
   * shows then, if ever.
   */
  async change(owners: readonly Owner[], perform: () => Promise<Ended>): Promise<Ended> {
    this.#operations += 1;
    const ended = await this.recorder.change(owners, perform);
    for (const owner of owners) this.ask(owner);
    return ended;
  }

  async mint(owner: Owner, random: Random): Promise<void> {
    const call = this.pickCall(random);
    await this.change([owner], () => mint(call, owner, (key) => this.#remember(owner, key)));
  }

  async refresh(owner: Owner, random: Random): Promise<void> {
    const call = this.pickCall(random);
    await this.change([owner], () => refresh(call, owner, (key) => this.#remember(owner, key)));
  }

  /** Asks about the latest keys of an owner, without waiting for the answers. */
  ask(owner: Owner, members: readonly Member[] = this.#members()): void {
    for (const { key } of this.latestKeys(owner)) {
      for (const verifier of members.flatMap(({ verifiers }) => verifiers)) this.#ask(owner, key, verifier);
    }
  }

  /**
   * Asks each verifier about some key of one of these owners: a recent one, more often than not.
   */
  askAtRandom(owners: readonly Owner[], random: Random): void {
    for (const verifier of this.#members().flatMap(({ verifiers }) => verifiers)) {
      const owner = random.pick(owners);
      const keys = this.latestKeys(owner, random.pick([2, 2, 30]));
      if (keys.length > 0) this.#ask(owner, random.pick(keys).key, verifier);
    }
  }

  /** From now on these are asked nothing but by name. */
  spare(members: readonly Member[]): void {
    for (const member of members) this.#spared.add(member);
  }

  async everyAnswer(): Promise<void> {
    for (const answers of this.#outstanding.values()) await Promise.all(answers);
  }

  #members(): Member[] {
    return this.#fleet.members.filter((member) => !this.#spared.has(member));
  }

  #remember(owner: Owner, key: KnownKey): void {
    this.#keys.set(owner, [...(this.#keys.get(owner) ?? []), key]);
  }

  #ask(owner: Owner, key: string, verifier: Verifier): void {
    const outstanding = this.#outstanding.get(verifier) ?? new Set();
    this.#outstanding.set(verifier, outstanding);
    if (outstanding.size >= outstandingMax || this.isExhausted) return;
    this.#operations += 1;
    const answer = this.recorder.verification(owner, key, verifier).finally(() => outstanding.delete(answer));
    outstanding.add(answer);
  }
}
