import type { Edit } from '../support/source-copy.ts';
import { holdPoint, stopPoint } from './stop-points.ts';

const lease = 'src/verify/lease.ts';

/** What a control arm takes out of its copy of the source, one protection each. */
export const without = {
  remembering: [
    {
      file: 'src/verify/remembered-revisions.ts',
      from: 'return remembered !== undefined && record.revision < remembered.revision;',
      to: 'return remembered === null;',
    },
  ],
  waiting: [
    {
      file: 'src/stores/postgres/propagation.ts',
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
  recentChanges: [{ file: lease, from: 'await listKeyChangesSince(this.#db, revisionMemoryMs),', to: '[],' }],
} satisfies Record<string, Edit[]>;

const extend =
  'const lease = await extendLease(this.#db, this.#options.verifierId, this.#options.leaseMs);\n';
const readAndHold = `await this.#catchUp();
    this.#heldUntilMs = `;

/** What a lease allows before the read shows for as long as the read is held. */
const slowRead = stopPoint('read') + holdPoint('read');

/**
 * A heartbeat that can be stopped between its steps, and held before it reads: as it is, and one that reads before it extends. A
 * lease that is counted from before both steps has run out when the process goes on, in either order, and nothing contradicts: so
 * the second one counts it from the extension.
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

const register = `const appliedSeq = await findLastKeyChangeSeq(this.#db);
    await upsertVerifier(this.#db, { id, appliedSeq, leaseMs });
`;
const loaded = 'this.#sink.reset(refused);';

/** A start that can be stopped when it has loaded what changed lately: as it is, and one that registers only then. */
export const start = {
  inOrder: [{ file: lease, from: loaded, to: stopPoint('loaded') + loaded }],
  outOfOrder: [
    { file: lease, from: register, to: '' },
    { file: lease, from: loaded, to: stopPoint('loaded') + register + loaded },
  ],
} satisfies Record<string, Edit[]>;
