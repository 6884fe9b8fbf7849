import { sql } from 'kysely';
import type { HubProgress } from '../../../domain/hub-progress.ts';
import type { Db, Tx } from '../database.ts';
import { aLeaseFromNow, hasLiveMasterKey } from './verifiers.ts';

/** Told of each report of a hub, so that a revoke that waits for it looks at once. */
export const hubProgressChannel = 'hub_progress';

/**
 * Stores what a hub says of itself and its followers, and wakes those who wait for it. Does not
 * wait for the disk, since every revoke waits for this. After a crash the row may be too low: a
 * revoke then waits longer, and the hub restarts.
 */
export async function updateHubProgress(db: Db, id: string, progress: HubProgress): Promise<void> {
  const { settledSeq, reachedSeq, followers, laggards } = progress;
  await sql`
    WITH now_visible AS (SELECT set_config('synchronous_commit', 'off', true),
      pg_notify(${hubProgressChannel}, ''))
    UPDATE verifiers SET applied_seq = ${settledSeq}, reached_seq = ${reachedSeq},
      followers = ${JSON.stringify(followers)}::jsonb, laggards = ${JSON.stringify(laggards)}::jsonb
    FROM now_visible WHERE id = ${id}`.execute(db);
}

/**
 * Lets a verifier count as live while it comes to a hub, and returns the number of its stream. From
 * here on every hub that names it is believed, until it says that it relies on one alone.
 */
export async function beginStream(tx: Tx, id: string): Promise<number> {
  const { rows } = await sql<{ streamNumber: number }>`
    UPDATE verifiers SET followed_until = ${aLeaseFromNow}, hub_id = NULL, stream_number = stream_number + 1
    WHERE id = ${id} RETURNING stream_number AS "streamNumber"`.execute(tx);
  const [begun] = rows;
  if (begun === undefined) throw new Error('The row of this verifier is locked, so it is there');
  return begun.streamNumber;
}

type Follow = { id: string; masterKeyId: string; hubId: string; streamNumber: number };

/**
 * Makes a verifier a follower of a hub. It has said that it relies on no other lease, so no revoke
 * waits for its own row, nor for it at another hub. False when it is not registered, or has begun
 * another stream since: then it says so there.
 */
export async function followHub(db: Db, { id, masterKeyId, hubId, streamNumber }: Follow): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE verifiers SET hub_id = ${hubId}, followed_until = ${aLeaseFromNow},
      lease_until = least(lease_until, clock_timestamp())
    WHERE id = ${id} AND master_key_id = ${masterKeyId} AND NOT is_ended
      AND stream_number = ${streamNumber}`.execute(db);
  return numAffectedRows === 1n;
}

/**
 * Keeps the followers of a hub alive for a lease from now, and stores their positions. Returns the
 * ids of those that may go on: they are registered, rely on no other hub alone, and their master
 * key lives.
 */
export async function touchFollowers(
  db: Db,
  hubId: string,
  followers: readonly { id: string; appliedSeq: number }[],
): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    UPDATE verifiers SET followed_until = ${aLeaseFromNow},
      applied_seq = greatest(verifiers.applied_seq, follower.applied_seq)
    FROM unnest(${followers.map(({ id }) => id)}::text[], ${followers.map(({ appliedSeq }) => appliedSeq)}::bigint[])
      AS follower (id, applied_seq)
    WHERE verifiers.id = follower.id AND coalesce(hub_id, ${hubId}) = ${hubId} AND NOT is_ended
      AND ${hasLiveMasterKey}
    RETURNING verifiers.id`.execute(db);
  return new Set(rows.map(({ id }) => id));
}
