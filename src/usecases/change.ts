import type { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import type { KeyedQueue } from '../concurrency/keyed-queue.ts';
import { type AuditEvent, type AuditEventType, newAuditEvent, type Origin } from '../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../domain/clock.ts';
import type { Idempotency } from '../domain/idempotency.ts';
import type { Audience, Revokes } from '../domain/key-change.ts';
import { type Caller, isMasterKey, originOf, type Principal, queueOf } from '../domain/principal.ts';
import type { Propagation } from '../domain/propagation.ts';
import type { PropagationWatch, Told } from '../revocation/propagation-watch.ts';
import type { Database, Db, Tx } from '../stores/postgres/database.ts';
import { type FeedPlace, finishChange } from '../stores/postgres/finish-change.ts';
import { type FindSealedAnswer, findSealedAnswer } from '../stores/postgres/idempotency-keys.ts';
import { enterOrganizationRole } from '../stores/postgres/organizations/row-scope.ts';
import { findLastKeyChangeSeq } from '../stores/postgres/verifiers/change-feed.ts';
import { credentialEnded, type Ends, holdAuthority, requireStillAuthorized } from './authority.ts';
import { idempotent, type SealAnswer } from './idempotent.ts';

export type ChangeParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  /** Waits until a change is known and kept wherever it has to be. */
  propagation: Pick<PropagationWatch, 'wait'>;
  /** Rejects with `DEPENDENCY_UNAVAILABLE` while no change can be kept. */
  requireChangeable?: () => void;
  turns: KeyedQueue;
  /**
   * Callers take turns at the connections of the database: a flood of changes by one waits behind
   * itself.
   */
  connections: FairBulkhead;
};

/**
 * Audit event as a use case decides it; time and request are added later. `origin`: the actor,
 * where it is not the caller.
 */
export type EventDraft = Pick<AuditEvent, 'eventType' | 'organizationId' | 'targetId' | 'details'> &
  Partial<Pick<AuditEvent, 'result'>> & { origin?: Origin };

/**
 * Result of a use case. All fields are required, so a change without its audit event does not
 * compile.
 */
export type Decision<T> = { answer: T; events: readonly EventDraft[]; revokes: Revokes };

export type ChangeOptions = {
  /**
   * A caller, whose rights are checked again; or an origin without rights to check: shell or
   * server.
   */
  by: Caller<Principal> | Origin;
  /** Rights that this change ends. */
  ends?: Ends;
  /**
   * Organization whose database role the change uses; that role sees no other organization's rows.
   */
  inside?: string | undefined;
  /**
   * Queue name: changes with the same name queue in this process instead of holding database
   * connections.
   */
  turn?: string;
  idempotency?: Idempotency | undefined;
};

export type Changed<T> = { answer: T; propagation: Propagation; isReplay: boolean };

/** `told`: undefined when the change has no feed entry. */
type Committed<T> = { answer: T; told: Told | undefined };

type Decide<T> = (tx: Tx, now: Date) => Promise<Decision<T>>;

/**
 * A change whose function in Postgres also writes its audit events and feed entries, so that all of
 * it is one statement. `holder`: master key that the statement must hold first. `origin`: the
 * caller's event, whose time is that of the change. `unheld` when the master key has ended.
 */
export type OneStatement<T> = {
  /** Of each event that the statement writes. */
  eventType: AuditEventType;
  run(
    db: Db,
    authority: { holder: string | undefined; origin: AuditEvent },
  ): Promise<'unheld' | { answer: T; revokes: Revokes; place: FeedPlace }>;
};

/**
 * Runs every change. One transaction: lock the caller's rights, run `decide`, and finish: insert
 * the audit events, store the answer of an idempotent request, and append to the change feed. The
 * finish is last, because its append blocks all other changes until the commit. Then it waits until
 * the concerned verifiers have applied the change.
 */
export async function change<T extends object>(
  parts: ChangeParts,
  options: ChangeOptions,
  decide: Decide<T> | OneStatement<T>,
): Promise<Changed<T>> {
  const { told, ...committed } = await commitChange(parts, options, decide);
  return { ...committed, propagation: await parts.propagation.wait(told) };
}

/**
 * Like `change` without the wait, for a change in several transactions: the last position covers
 * them all.
 */
export async function commitChange<T extends object>(
  parts: Omit<ChangeParts, 'propagation'>,
  options: ChangeOptions,
  decide: Decide<T> | OneStatement<T>,
): Promise<Committed<T> & { isReplay: boolean }> {
  parts.requireChangeable?.();
  const now = parts.clock.now();
  const { idempotency } = options;
  let told: Told | undefined;
  const { db, turns } = parts;
  const replays = {
    turns,
    now,
    findSealedAnswer: (wanted: Parameters<FindSealedAnswer>[0]) => findSealedAnswer(db, wanted),
  };
  const { answer: kept, isReplay } = await idempotent<Kept<T>>(replays, idempotency, (seal) => {
    const commit = async () => {
      const committed = await parts.connections.run(queueOfCaller(options.by), () =>
        commitAt(parts, now, options, decide, seal),
      );
      told = committed.told;
      return committed.answer;
    };
    return inTurns(parts.turns, turnsOf(options), commit);
  });
  const { audience = 'everybody', ...answer } = kept;
  if (isReplay) {
    await requireStillAuthorized(parts, options.by);
    // The original request may still be propagating.
    told = { seq: await findLastKeyChangeSeq(parts.db), audience };
  }
  return { answer: answer as unknown as T, told, isReplay };
}

const operatorsTurn = 'rights of platform users';

/**
 * Changes of what platform users may do exclude one another in the database. In one process they
 * queue here: twenty of them would else wait for each other's lock longer than a statement may. A
 * caller has one place in that queue, so that a flood by one waits behind itself.
 */
function turnsOf({ turn, ends, by }: ChangeOptions): string[] {
  return [
    ...(turn === undefined ? [] : [turn]),
    ...(ends === 'operators' ? [`${operatorsTurn}, by ${queueOfCaller(by)}`, operatorsTurn] : []),
  ];
}

function inTurns<T>(
  turns: KeyedQueue,
  [name, ...others]: readonly string[],
  task: () => Promise<T>,
): Promise<T> {
  return name === undefined ? task() : turns.run(name, () => inTurns(turns, others, task));
}

function queueOfCaller(by: Caller<Principal> | Origin): string {
  return 'principal' in by ? queueOf(by.principal) : by.actor.id;
}

/** A stored answer with the audience of its change; answers of earlier versions have none. */
type Kept<T> = T & { audience?: Audience };

/** The transaction of a change, for jobs of the worker, which have neither queue nor clock. */
export async function commitAt<T extends object>(
  parts: Pick<ChangeParts, 'db' | 'randomBytes'>,
  now: Date,
  options: Rights,
  decide: Decide<T> | OneStatement<T>,
  seal: SealAnswer<Kept<T>> = () => undefined,
): Promise<Committed<Kept<T>>> {
  if (typeof decide !== 'function') return commitStatement(parts, now, options, decide);
  return inTransaction(parts.db, now, options, async (tx) => {
    const { answer, events, revokes } = await decide(tx, now);
    const kept = { ...answer, audience: revokes.audience };
    const place = await finishChange(tx, {
      events: eventsOf(parts, options.by, events, now),
      changes: 'changes' in revokes ? revokes.changes : [],
      kept: seal(kept),
    });
    return { answer: kept, told: toldOf(revokes, place) };
  });
}

type Rights = Pick<ChangeOptions, 'by' | 'ends' | 'inside'>;

/** Holds the caller's rights, and takes on the database role of its organization. */
function inTransaction<T>(
  db: Database,
  now: Date,
  { by, ends = [], inside }: Rights,
  run: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await holdAuthority(tx, 'principal' in by ? by.principal : undefined, ends, now);
    if (inside !== undefined) await enterOrganizationRole(tx, inside);
    return run(tx);
  });
}

/**
 * A master key is held by the statement itself, which is then the whole transaction: one round trip
 * instead of four. Other callers' rights take statements of their own.
 */
async function commitStatement<T extends object>(
  parts: Pick<ChangeParts, 'db' | 'randomBytes'>,
  now: Date,
  rights: Rights,
  { eventType, run }: OneStatement<T>,
): Promise<Committed<Kept<T>>> {
  const draft = { eventType, organizationId: null, targetId: '', details: {} };
  const origin = newAuditEvent({ now, randomBytes: parts.randomBytes }, originOfCaller(rights.by), draft);
  const holder = soleHolder(rights);
  const ran =
    holder === undefined
      ? await inTransaction(parts.db, now, rights, (tx) => run(tx, { holder, origin }))
      : await run(parts.db, { holder, origin });
  if (ran === 'unheld') throw credentialEnded();
  const { answer, revokes, place } = ran;
  return { answer: { ...answer, audience: revokes.audience }, told: toldOf(revokes, place) };
}

/** The caller's master key, where holding it is all that the change's rights need. */
function soleHolder({ by, ends = [], inside }: Rights): string | undefined {
  if (!('principal' in by) || !isMasterKey(by.principal)) return undefined;
  return ends.length === 0 && inside === undefined ? by.principal.id : undefined;
}

function originOfCaller(by: Caller<Principal> | Origin): Origin {
  return 'principal' in by ? originOf(by) : by;
}

function eventsOf(
  { randomBytes }: Pick<ChangeParts, 'randomBytes'>,
  by: Caller<Principal> | Origin,
  drafts: readonly EventDraft[],
  now: Date,
): AuditEvent[] {
  const callers = originOfCaller(by);
  return drafts.map(({ origin = callers, ...draft }) => newAuditEvent({ now, randomBytes }, origin, draft));
}

/** A repeated request waits for the end of the feed: its earlier entry is somewhere before. */
function toldOf(revokes: Revokes, { previousSeq, lastSeq }: FeedPlace): Told | undefined {
  const { audience } = revokes;
  if ('alreadyTold' in revokes) return { seq: previousSeq, audience };
  if (lastSeq === null) return undefined;
  const [change, ...others] = revokes.changes;
  if (change === undefined || others.length > 0) return { seq: lastSeq, audience };
  return { seq: lastSeq, audience, following: { previousSeq, change: { ...change, seq: lastSeq } } };
}
