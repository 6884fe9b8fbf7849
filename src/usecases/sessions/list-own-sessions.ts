import type { Clock } from '../../domain/clock.ts';
import { type Page, toPage } from '../../domain/page.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listSessionsOf, type OwnSession } from '../../stores/postgres/sessions/sessions.ts';

/** A page of the caller's own sessions, newest first. A platform key has none: an empty page. */
export async function listOwnSessions(
  { db, clock }: { db: Db; clock: Clock },
  { id, sessionId }: PlatformPrincipal,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<Page<OwnSession>> {
  if (sessionId === null) return { items: [], next: undefined };
  const found = await listSessionsOf(db, id, { now: clock.now(), limit: limit + 1, before });
  return toPage(found, limit, (last) => last.id);
}
