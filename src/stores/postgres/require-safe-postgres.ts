import { unsafePostgres } from '../../domain/postgres-safety.ts';
import type { Db } from './database.ts';
import { readPostgresSafety } from './server-facts.ts';

/**
 * Refuses a server that may lose or hide answered changes. A process does not start on one: it
 * would promise that a revoked key is refused, and could not keep it. Throws with each reason and
 * its fix.
 */
export async function requireSafePostgres(db: Db): Promise<void> {
  const [found, ...others] = unsafePostgres(await readPostgresSafety(db));
  if (found === undefined) return;
  const reasons = [found, ...others].map(({ code, message, fix }) => `${message} Fix: ${fix} (${code})`);
  throw new Error(
    `This Postgres is not safe for keys: ${reasons.join(' ')} For data that may be lost: UNSAFE_POSTGRES=allow`,
  );
}
