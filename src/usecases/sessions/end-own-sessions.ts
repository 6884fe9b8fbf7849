import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { deleteSessionOf, deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import { type ChangeParts, change } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { requireOwnSession } from './own-session.ts';

/**
 * Ends one of the caller's own sessions; its token is refused from the next request on.
 * `SESSION_NOT_FOUND` for an unknown one, one that has ended and another user's, all alike, and for
 * a platform key.
 */
export async function endOwnSession(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  sessionId: string,
): Promise<void> {
  requireOwnSession(caller.principal);
  const userId = caller.principal.id;
  await change(parts, { by: caller, ends: 'operators' }, async (tx, now) => {
    if (!(await deleteSessionOf(tx, userId, sessionId, now))) throw new FlowplateError('SESSION_NOT_FOUND');
    const event = platformUserEvent('platform.session.ended', userId, { session_id: sessionId });
    return { answer: {}, events: [event], revokes: revokesNothing };
  });
}

/** Ends all sessions of the caller but this one, and returns their number. */
export async function endOtherSessions(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
): Promise<number> {
  const sessionId = requireOwnSession(caller.principal);
  const userId = caller.principal.id;
  const { answer } = await change<{ ended: number }>(parts, { by: caller, ends: 'operators' }, async (tx) => {
    const ended = await deleteSessionsOf(tx, userId, sessionId);
    const details = { all_but: sessionId, ended_count: ended };
    const events = ended === 0 ? [] : [platformUserEvent('platform.session.ended', userId, details)];
    return { answer: { ended }, events, revokes: revokesNothing };
  });
  return answer.ended;
}
