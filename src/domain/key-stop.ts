import { createHash } from 'node:crypto';
import type { KeyChange, StopChangeKind } from './key-change.ts';

/** All keys minted by a master key, of a user, or of an organization. */
export const stopKinds = ['minted_by', 'user', 'organization'] as const;

export type StopKind = (typeof stopKinds)[number];

/** Whose keys are stopped: a master key, a user or an organization by its id. */
export type StopSubject = { kind: StopKind; subject: string };

/**
 * A stop: the revocation of all keys of a subject at once, as a rule (elsewhere a "not before"
 * revocation policy). It covers the keys whose number in the order of mints is below
 * `mintNumberBelow`, so a key that is minted afterwards is not touched, whatever the clocks say.
 * With `createdBefore` only the keys that were created before that time.
 */
export type KeyStop = StopSubject & { mintNumberBelow: number; createdBefore: Date | null };

const changeKinds: Record<StopKind, StopChangeKind> = {
  minted_by: 'stop_minted_by',
  user: 'stop_user',
  organization: 'stop_organization',
};

/** The one entry of the change feed. It says all that a verifier and the journal need. */
export function toStopChange({ kind, subject, mintNumberBelow, createdBefore }: KeyStop): KeyChange {
  return {
    kind: changeKinds[kind],
    subjectId: subject,
    revision: mintNumberBelow,
    status: createdBefore?.toISOString() ?? null,
  };
}

/** Undefined for every other entry of the feed. */
export function toKeyStop(change: KeyChange<string>): KeyStop | undefined {
  const kind = stopKinds.find((each) => changeKinds[each] === change.kind);
  if (kind === undefined) return undefined;
  return {
    kind,
    subject: change.subjectId,
    mintNumberBelow: change.revision,
    createdBefore: change.status === null ? null : new Date(change.status),
  };
}

const tagBytes = 6;
export const minterTagDigits = 8;

/**
 * Short name of a master key in the records of the keys that it has minted: 48 bits of a hash, as
 * eight characters. A record with the whole id would be a fifth larger.
 */
export function minterTag(masterKeyId: string): string {
  return createHash('sha256').update(masterKeyId).digest().subarray(0, tagBytes).toString('base64url');
}
