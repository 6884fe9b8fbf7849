import type { KeyedQueue } from '../../concurrency/keyed-queue.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type FollowerLine, type HubLine, toSentChange } from '../../domain/hub-lines.ts';
import type { AppliedChange, ToldChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { ChangeSignal } from '../../revocation/change-signal.ts';
import { Follower } from '../../revocation/follower.ts';
import type { Hub } from '../../revocation/hub.ts';
import { holdMasterKey } from '../../stores/postgres/authority.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { listKeyChangesAfter } from '../../stores/postgres/verifiers/change-feed.ts';
import { lockVerifiers } from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { beginStream, followHub } from '../../stores/postgres/verifiers/hubs.ts';
import { credentialEnded } from '../authority.ts';
import { changesPerReadMax } from './extend-lease.ts';
import { requireRoom } from './require-room.ts';
import { visibleChanges } from './visible-changes.ts';

export type FollowParts = {
  db: Database;
  turns: KeyedQueue;
  /** Maximum verifiers of one master key with a lease at a time. */
  verifiersMax: number;
  changes: ChangeSignal;
  hub: Hub;
  hubId: string;
  clock: { nowMs(): number };
};

/** The other end of a follower's stream. */
export type FollowerStream = {
  /** A line, or its text. */
  send: (line: HubLine | string) => void;
  /** Ends the stream; the follower has to begin again. */
  close: () => void;
};

type Beat = { appliedSeq: number; beat: number; acknowledgedSeq: number };

/**
 * A verifier that holds its lease from this process, from its first line to the end of its stream.
 * The first line brings it up to date with what this process has applied, in the same tick in which
 * it becomes a follower: so it misses no change.
 */
export class Following {
  readonly #parts: FollowParts;
  readonly #principal: MasterKeyPrincipal;
  readonly #verifierId: string;
  readonly #stream: FollowerStream;
  #follower: Follower | undefined;
  #streamNumber = 0;
  #isOver = false;

  constructor(parts: FollowParts, principal: MasterKeyPrincipal, verifierId: string, stream: FollowerStream) {
    this.#parts = parts;
    this.#principal = principal;
    this.#verifierId = verifierId;
    this.#stream = stream;
    parts.hub.noteStream(stream);
    stream.send({ hub_id: parts.hubId });
  }

  /**
   * Lines must be given one after another. Rejects when the verifier cannot follow:
   * `VERIFIER_NOT_FOUND`, `AUTHENTICATION_REQUIRED`, `RATE_LIMITED`, `INVALID_REQUEST` for a line
   * out of place.
   */
  async hear(line: FollowerLine): Promise<void> {
    const { hub } = this.#parts;
    const follower = this.#follower;
    if ('left' in line) {
      if (follower !== undefined) hub.leave(follower);
      this.#stream.close();
      return;
    }
    if ('alone' in line) return this.#followAlone();
    const { applied_seq: appliedSeq, beat, acknowledged_seq: acknowledgedSeq = 0 } = line;
    if (follower !== undefined) {
      hub.acknowledge(follower, appliedSeq);
      if (beat !== undefined) this.#answer(follower, beat, []);
      return;
    }
    if (beat === undefined || this.#isOver) throw new FlowplateError('INVALID_REQUEST');
    await this.#begin({ appliedSeq, beat, acknowledgedSeq });
  }

  /** Longest lease that it gets here. */
  get leaseMs(): number {
    return this.#parts.hub.leaseMs;
  }

  /** The stream is gone. */
  end(): void {
    this.#isOver = true;
    this.#parts.hub.forgetStream(this.#stream);
    if (this.#follower !== undefined) this.#parts.hub.disconnect(this.#follower);
  }

  /** It relies on this process alone: whoever else has given it a lease may let go of it. */
  async #followAlone(): Promise<void> {
    const { db, hubId } = this.#parts;
    if (this.#follower === undefined) throw new FlowplateError('INVALID_REQUEST');
    const follow = {
      id: this.#verifierId,
      masterKeyId: this.#principal.id,
      hubId,
      streamNumber: this.#streamNumber,
    };
    if (!(await followHub(db, follow))) throw new FlowplateError('VERIFIER_NOT_FOUND');
    this.#follower.isStored = true;
  }

  async #begin({ appliedSeq, beat, acknowledgedSeq }: Beat): Promise<void> {
    const { db, turns, hub, changes } = this.#parts;
    const { id: masterKeyId } = this.#principal;
    const comer = { id: this.#verifierId, masterKeyId, acknowledgedSeq };
    const admitted = await turns.run(`verifiers ${masterKeyId}`, () =>
      db.transaction().execute((tx) => admit(tx, this.#parts, comer)),
    );
    this.#streamNumber = admitted.streamNumber;
    const position = await this.#catchUp(appliedSeq);
    // No await from here on: what this process applies next is told to the follower.
    if (this.#isOver) return;
    const missed = this.#visible(changes.changesAfter(position));
    const follower = new Follower(
      {
        id: this.#verifierId,
        masterKeyId,
        visible: (told) => this.#visible(told),
        tell: (told, seq) => this.#tell(told, seq),
        end: (reason) => this.#stream.send({ end: reason }),
      },
      { appliedSeq, toldSeq: Math.max(position, hub.appliedSeq) },
    );
    follower.storedSeq = admitted.storedSeq;
    this.#follower = follower;
    hub.join(follower);
    this.#answer(follower, beat, missed);
  }

  /** Sends what this process keeps no more; returns the position up to which it is told. */
  async #catchUp(appliedSeq: number): Promise<number> {
    const { db, changes } = this.#parts;
    let position = appliedSeq;
    while (!changes.covers(position)) {
      const read = await listKeyChangesAfter(db, position, changesPerReadMax);
      const last = read.at(-1);
      // This process has no position of its own yet, and so no lease to give.
      if (last === undefined) break;
      this.#tell(this.#visible(read), last.seq);
      position = last.seq;
    }
    return position;
  }

  #tell(changes: readonly ToldChange[], seq: number): void {
    this.#stream.send(lineOf(changes, seq));
  }

  #answer(follower: Follower, beat: number, changes: readonly ToldChange[]): void {
    const { hub, clock } = this.#parts;
    this.#stream.send({
      beat,
      lease_ms: hub.extend(follower),
      changes: changes.map(toSentChange),
      applied_seq: follower.toldSeq,
      stored_seq: follower.storedSeq,
      server_time_ms: clock.nowMs(),
    });
  }

  #visible(changes: readonly AppliedChange[]): readonly ToldChange[] {
    return visibleChanges(this.#principal, changes);
  }
}

let lastTold: { changes: readonly ToldChange[]; seq: number; text: string } | undefined;

/** Written once for all followers that are told the same. */
function lineOf(changes: readonly ToldChange[], seq: number): string {
  if (lastTold?.changes !== changes || lastTold.seq !== seq) {
    const line: HubLine = { changes: changes.map(toSentChange), applied_seq: seq };
    lastTold = { changes, seq, text: JSON.stringify(line) };
  }
  return lastTold.text;
}

type Comer = { id: string; masterKeyId: string; acknowledgedSeq: number };

/**
 * Lets a verifier come, if its master key lives and has room. Returns the number of its stream, and
 * the position that Postgres has stored of it.
 */
async function admit(
  tx: Tx,
  { verifiersMax }: FollowParts,
  comer: Comer,
): Promise<{ streamNumber: number; storedSeq: number }> {
  if (!(await holdMasterKey(tx, comer.masterKeyId))) throw credentialEnded();
  const verifiers = await lockVerifiers(tx, comer.masterKeyId);
  const own = verifiers.find(({ id }) => id === comer.id);
  // Behind what it has confirmed: the database was restored or failed over, and its feed is
  // another.
  if (own === undefined || own.isEnded || own.appliedSeq < comer.acknowledgedSeq) {
    throw new FlowplateError('VERIFIER_NOT_FOUND');
  }
  if (!own.isLive) requireRoom(verifiers, verifiersMax);
  return { streamNumber: await beginStream(tx, comer.id), storedSeq: own.appliedSeq };
}
