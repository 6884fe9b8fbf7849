import type { ToldChange } from './key-change.ts';

/** A change of the feed, as it is sent. */
export type SentChange = Omit<ToldChange, 'subjectId'> & { subject_id: string };

/**
 * Lines from a hub to a follower, each a JSON text: its name at first; changes as they happen; the
 * answer to a beat, with a lease of `lease_ms` from when that beat was sent; and the end. `moving`:
 * the hub will stop, so find another and keep this lease until then. `forgotten`: empty the caches
 * and register again.
 */
export type HubLine =
  | { hub_id: string }
  | { changes: SentChange[]; applied_seq: number }
  | LeaseLine
  | { end: FollowingEnd };

export type LeaseLine = {
  beat: number;
  /** 0: no lease. */
  lease_ms: number;
  changes: SentChange[];
  applied_seq: number;
  /** Position of this verifier that Postgres has stored. */
  stored_seq: number;
  server_time_ms: number;
};

export type FollowingEnd = 'moving' | 'forgotten';

/**
 * Lines from a follower to its hub: what it has applied, with a beat where it asks for a lease.
 * `alone`, after its first lease here: it relies on no other any more, neither of another hub nor
 * of its own. `left`: it no longer relies on a lease of this hub.
 */
export type FollowerLine =
  | { applied_seq: number; beat?: number | undefined; acknowledged_seq?: number | undefined }
  | { alone: true }
  | { left: true };

export function toSentChange({ seq, kind, subjectId, revision, status }: ToldChange): SentChange {
  return { seq, kind, subject_id: subjectId, revision, status };
}

export function fromSentChange({ subject_id: subjectId, ...change }: SentChange): ToldChange {
  return { ...change, subjectId };
}
