import type { Edit } from '../support/edited-source.ts';
import { holdPoint, stopPoint } from './stop-points.ts';

const lease = 'src/revocation/lease.ts';
const hub = 'src/revocation/hub.ts';

/** Edits that remove one protection each, for control runs. */
export const without = {
  remembering: [
    {
      file: 'src/revocation/remembered-revisions.ts',
      from: 'return remembered !== undefined && record.revision < remembered.revision;',
      to: 'return remembered === null;',
    },
  ],
  stops: [
    {
      file: 'src/revocation/remembered-stops.ts',
      from: 'if (this.#size === 0) return false;',
      to: 'if (this.#size >= 0) return false;',
    },
  ],
  waiting: [
    {
      file: 'src/revocation/propagation-watch.ts',
      from: 'if (told === undefined) return settled(',
      to: 'return settled(',
    },
  ],
  lapsing: [
    {
      file: lease,
      from: 'return performance.now() < this.#heldUntilMs;',
      to: 'return this.#heldUntilMs > 0;',
    },
    {
      file: 'src/sdk/broker-lease.ts',
      from: 'return monotonicMs < this.#heldUntilMs;',
      to: 'return this.#heldUntilMs > 0;',
    },
  ],
  feedEntryOfReports: [
    {
      file: 'src/usecases/leaks/answer-leak.ts',
      from: 'revokes: revokesKeys([{ ...key, revision }]),',
      to: 'revokes: { ...revokesNothing, revision } as typeof revokesNothing,',
    },
  ],
  noticingGaps: [
    {
      file: lease,
      from: 'if (this.#appliedSeq === previousSeq) {',
      to: 'if (this.#appliedSeq !== undefined && previousSeq >= 0) {',
    },
  ],
  boundingLeases: [
    {
      file: hub,
      from: 'Math.min(this.#options.leaseMs, this.#options.remainingMs())',
      to: 'this.#options.leaseMs',
    },
  ],
  keepingLost: [
    {
      file: hub,
      from: 'if (!follower.hasLease(performance.now())) this.leave(follower);',
      to: 'this.leave(follower);',
    },
  ],
} satisfies Record<string, Edit[]>;

/** A gateway that applies no change that its hub tells, and acknowledges none. */
export const deafGateway = [
  {
    file: 'src/sdk/hub-lease.ts',
    from: "else if ('changes' in line) this.#apply(line);",
    to: '',
  },
  {
    file: 'src/sdk/hub-lease.ts',
    from: 'applied_seq: position.appliedSeq,\n      beat',
    to: 'applied_seq: 0,\n      beat',
  },
] satisfies Edit[];

/** A hub that reports without its followers' word. */
export const hastyHub = [
  {
    file: hub,
    from: 'return [...this.#behind].filter((follower) => follower.isBehind(nowMs));',
    to: 'return [];',
  },
] satisfies Edit[];

const endOfFeed = { file: lease, from: 'changesMax: changesRememberedMax,', to: 'changesMax: 0,' };

/**
 * A process that starts at the end of the feed, and so hears of nothing that was before: as it is,
 * and one that does not ask at what place of the feed a record was read.
 */
export const startAtTheEnd = {
  withPlaces: [endOfFeed],
  withoutPlaces: [
    endOfFeed,
    {
      file: 'src/revocation/remembered-revisions.ts',
      from: 'return seq >= this.#knownSinceSeq;',
      to: 'return true;',
    },
  ],
} satisfies Record<string, Edit[]>;

const extend = 'const lease = await extendLease(this.#db, this.#options.verifierId, changesPerReadMax);\n';
const readAndHold = `await this.#catchUp();
    // It has caught up now, so Postgres extends the lease.
    if (!lease.isExtended) return this.#isStopped ? undefined : this.#beat();
    this.#heldUntilMs = `;

/** The same window as a lease extended before the read, for as long as the read is held. */
const slowRead = stopPoint('read') + holdPoint('read');

/**
 * A heartbeat that can be stopped between its steps, and held before it reads: as it is, and one
 * that reads before it extends. A lease that is counted from before both steps has run out when the
 * process goes on, in either order, and nothing contradicts: so the second one counts it from the
 * extension.
 */
export const heartbeat = {
  inOrder: [
    { file: lease, from: extend, to: stopPoint('extend') + extend },
    { file: lease, from: readAndHold, to: slowRead + readAndHold },
  ],
  outOfOrder: [
    { file: lease, from: 'const sentMs = performance.now();', to: 'let sentMs = 0;' },
    {
      file: lease,
      from: extend,
      to: `${slowRead}await this.#catchUp();\n${stopPoint('extend')}sentMs = performance.now();\n${extend}`,
    },
    { file: lease, from: readAndHold, to: 'this.#heldUntilMs = ' },
  ],
} satisfies Record<string, Edit[]>;

const findPlace = 'const appliedSeq = await findCatchUpSeq(this.#db, {';
const load = 'this.#sink.reset(appliedSeq, await listRefusedOrganizations(this.#db));';
const loading = `const refused = await listRefusedOrganizations(this.#db);\n${stopPoint('loaded')}`;
const reset = 'this.#sink.reset(appliedSeq, refused);';

/**
 * A start that can be stopped when it has loaded the refused organizations: as it is, and one that
 * finds its place only then. A place before all that changed lately would hide the difference for
 * minutes: both start at the end of the feed.
 */
export const start = {
  inOrder: [endOfFeed, { file: lease, from: load, to: loading + reset }],
  outOfOrder: [
    endOfFeed,
    { file: lease, from: findPlace, to: loading + findPlace },
    { file: lease, from: load, to: reset },
  ],
} satisfies Record<string, Edit[]>;

/** Processes that believe any Postgres that they reach, without its commit. */
export const withoutConfirmation = [
  {
    file: 'src/verify/key-records.ts',
    from: 'return lease.isHeld() ? findKeyRecord(digests) : findConfirmedKeyRecord(digests);',
    to: 'return lease === findConfirmedKeyRecord ? undefined : findKeyRecord(digests);',
  },
  {
    file: 'src/verify/master-keys.ts',
    from: 'return lease.isHeld() ? reads : confirmedReads;',
    to: 'return lease === confirmedReads ? confirmedReads : reads;',
  },
] satisfies Edit[];
