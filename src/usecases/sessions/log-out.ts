import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { deleteSession } from '../../stores/postgres/sessions/sessions.ts';
import { type ChangeParts, change } from '../change.ts';

/** Ends the session of the caller's token. No-op for a platform key, which has none. */
export async function logOut(parts: ChangeParts, caller: Caller<PlatformPrincipal>): Promise<void> {
  const { sessionId, id } = caller.principal;
  if (sessionId === null) return;
  await change(parts, { by: caller, ends: 'operators' }, async (tx) => {
    await deleteSession(tx, sessionId);
    const details = { session_id: sessionId };
    return {
      answer: {},
      events: [{ eventType: 'platform.logout', organizationId: null, targetId: id, details }],
      revokes: revokesNothing,
    };
  });
}
