import { sql } from 'kysely';
import { FlowplateError } from '../../domain/errors.ts';
import type { Database, Tx } from './database.ts';

/**
 * A read that counts only when this server can still commit: it ends in a synchronous commit, which
 * waits for the synchronous standby where there is one. A primary that was replaced or cut off
 * cannot finish it, so what it says of a key that was revoked elsewhere is never an answer. A
 * standby, which may be behind, refuses it. The message is written to the log of the database and
 * to no table; every role may write one. `DEPENDENCY_UNAVAILABLE` when there is no commit.
 */
export function readConfirmed<Found>(db: Database, read: (tx: Tx) => Promise<Found>): Promise<Found> {
  return db.transaction().execute(async (tx) => {
    const found = await read(tx);
    await sql`SELECT pg_logical_emit_message(true, 'flowplate', '')`.execute(tx).catch(refuse);
    return found;
  });
}

/** A standby has no SQLSTATE of its own for it: it says XX000, as for a broken index. */
function refuse(cause: unknown): never {
  throw new FlowplateError('DEPENDENCY_UNAVAILABLE', {
    systemMessage: 'The database cannot commit at the moment',
    retryAfterSeconds: 1,
    cause,
  });
}
