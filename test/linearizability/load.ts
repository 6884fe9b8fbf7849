import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../support/call.ts';
import { eventually } from '../support/eventually.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import {
  type KnownKey,
  minterOf,
  report,
  revokeById,
  revokeByOwner,
  setStatus,
  stopAll,
  turn,
} from './changes.ts';
import { Clients } from './clients.ts';
import type { Owner } from './contradictions.ts';
import { type Fleet, leaseMs, type Member } from './fleet.ts';
import { changeAtRandom } from './random-change.ts';
import type { Ended } from './recorder.ts';
import type { Verdict } from './verifier.ts';

const changers = 3;
/** Between two questions to one verifier, answered or not. */
const askEveryMs = 25;
/**
 * For a change of a witness that gets no answer, as on a machine that is busy with other things.
 */
const endingAttemptsMax = 5;

let loads = 0;

/**
 * Clients that change the keys of a few users at random, and others that ask every verifier about
 * them all the time. Beside them stand the witnesses: users whose keys stay as they are until the
 * test ends them, each in another way.
 */
export class Load {
  readonly fleet: Fleet;
  readonly #clients: Clients;
  readonly #random: Random;
  readonly #owners: readonly Owner[];
  readonly #witnesses: readonly [Owner, Owner, Owner, Owner, Owner];
  #running: Promise<unknown>[] = [];
  #asking: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isResting = false;

  constructor(fleet: Fleet, seed: number) {
    loads += 1;
    this.fleet = fleet;
    this.#clients = new Clients(fleet);
    this.#random = seededRandom(seed);
    this.#owners = [newOwner('1', '1'), newOwner('1', '2'), newOwner('2', '1'), newOwner('2', '2')];
    this.#witnesses = [
      newOwner('witness', 'revoked-by-owner'),
      newOwner('witness', 'revoked-by-id'),
      newOwner('witness', 'disabled'),
      newOwner('witness', 'suspended'),
      newOwner('witness', 'reported'),
    ];
  }

  get recorder() {
    return this.#clients.recorder;
  }

  async start(): Promise<void> {
    await Promise.all(this.#witnesses.map((witness) => this.#giveKey(witness)));
    this.#running = Array.from({ length: changers }, (_, index) =>
      this.#goOnChanging(seededRandom(this.#random.below(2 ** 31) + index)),
    );
    const everyone = [...this.#owners, ...this.#witnesses];
    this.#asking = setInterval(() => {
      if (!this.#isResting) this.#clients.askAtRandom(everyone, this.#random);
    }, askEveryMs);
  }

  /** Waits for every answer that is still to come. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#asking);
    await Promise.all(this.#running);
    await this.#clients.everyAnswer();
  }

  /**
   * Revokes one by its owner and one by its id, disables one, suspends the organization of one, and
   * reports one as leaked, until each of these changes is answered; through `call` if given.
   */
  async endWitnesses(call?: Call): Promise<void> {
    const [owner, byId, switched, member, leaked] = this.#witnesses;
    const someCall = () => call ?? this.#clients.pickCall(this.#random);
    await Promise.all([
      this.#end(owner, () => revokeByOwner(someCall(), owner)),
      this.#end(byId, () => revokeById(someCall(), this.#keyOf(byId))),
      this.#end(switched, () => turn(someCall(), 'disable', this.#keyOf(switched))),
      this.#end(member, () => setStatus(this.fleet.operator, member.organizationId, 'suspend')),
      this.#end(leaked, () => report(someCall(), this.#keyOf(leaked), leaseMs)),
    ]);
  }

  /**
   * Stops all that the clients' master key has minted, witnesses included, until it is answered.
   */
  async stopEverything(): Promise<void> {
    const everyone = [...this.#owners, ...this.#witnesses];
    const { operator } = this.fleet;
    for (let attempts = 0; attempts < endingAttemptsMax; attempts++) {
      const ended = await this.#clients.change(everyone, async () =>
        stopAll(operator, await minterOf(operator)),
      );
      if (ended !== 'nothing' && ended.action.outcome !== 'unknown') return;
    }
  }

  /**
   * Waits until everything that the witnesses were answered is certain: at once after `complete`,
   * at a given time after `pending`.
   */
  async untilCertain(): Promise<void> {
    const certainMs = this.#witnesses.map((witness) => this.recorder.certainMs(witness));
    await sleep(Math.max(0, ...certainMs.map((ms) => ms - performance.now())) + 5);
  }

  /** Asks every verifier about all of them, for so long. */
  async askForWitnesses(forMs = 200): Promise<void> {
    const untilMs = performance.now() + forMs;
    while (performance.now() < untilMs) {
      for (const witness of this.#witnesses) this.#clients.ask(witness, this.fleet.members);
      await sleep(40);
    }
  }

  /** Waits until every verifier accepts their keys, and so remembers them. */
  async untilWitnessesAreKnown(): Promise<void> {
    await this.#untilVerdicts((verdict) => verdict === 'accepted');
    await this.askForWitnesses();
  }

  /** Waits until every verifier says yes or no, and asks for the witnesses then. */
  async untilDecided(): Promise<void> {
    await this.#untilVerdicts((verdict) => verdict !== 'undecided');
    await this.askForWitnesses();
  }

  /** Waits for the answers to what was asked so far. */
  async everyAnswer(): Promise<void> {
    await this.#clients.everyAnswer();
  }

  /**
   * From now on these are asked for witnesses only: a process that goes on finds those questions
   * first.
   */
  spare(members: readonly Member[]): void {
    this.#clients.spare(members);
  }

  /**
   * Leaves the machine to `act`: a process that starts among busy ones may find Postgres too slow
   * to start at all.
   */
  async rest<Result>(act: () => Promise<Result>): Promise<Result> {
    this.#isResting = true;
    try {
      return await act();
    } finally {
      this.#isResting = false;
    }
  }

  async #end(witness: Owner, change: () => Promise<Ended>): Promise<void> {
    for (let attempts = 0; attempts < endingAttemptsMax; attempts++) {
      const ended = await this.#clients.change([witness], change);
      if (ended !== 'nothing' && ended.action.outcome !== 'unknown') return;
    }
  }

  async #untilVerdicts(areEnough: (verdict: Verdict) => boolean): Promise<void> {
    const verifiers = this.fleet.members.flatMap((member) => member.verifiers);
    const keys = this.#witnesses.map((witness) => this.#keyOf(witness).key);
    await eventually(
      20_000,
      () => Promise.all(verifiers.flatMap((verifier) => keys.map((key) => verifier.verify(key)))),
      (verdicts) => verdicts.every(areEnough),
    );
  }

  #keyOf(witness: Owner): KnownKey {
    return this.#clients.latestKeys(witness)[0] as KnownKey;
  }

  /**
   * A mint that was not answered may have happened: then its key is replaced by one that is known.
   */
  async #giveKey(witness: Owner): Promise<void> {
    for (let attempts = 0; attempts < 10 && this.#clients.latestKeys(witness).length === 0; attempts++) {
      await this.#clients.mint(witness, this.#random);
      if (this.#clients.latestKeys(witness).length === 0) await this.#clients.refresh(witness, this.#random);
    }
  }

  async #goOnChanging(random: Random): Promise<void> {
    while (!this.#isStopped && !this.#clients.isExhausted) {
      if (!this.#isResting) await changeAtRandom(this.#clients, this.#owners, random);
      await sleep(5 + random.below(35));
    }
  }
}

function newOwner(user: string, organization: string): Owner {
  return { userId: `usr_${loads}_${user}`, organizationId: `org_${loads}_${organization}` };
}
