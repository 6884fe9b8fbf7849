import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { eraseAddressesOf } from '../../stores/postgres/audit/events.ts';
import { clearPerson, lockPerson } from '../../stores/postgres/people.ts';
import { type ChangeParts, change } from '../change.ts';

/**
 * Erases the name and the e-mail address of a deleted user for ever, and the client addresses of
 * its audit events. The audit log keeps the id, so its hash chain stays valid. Erasing again
 * changes nothing. `PERSON_NOT_FOUND`; `PERSON_IN_USE` while the user exists, because its next
 * change would write the name again.
 */
export async function erasePerson(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
): Promise<void> {
  await change(parts, { by: caller }, async (tx, now) => {
    const person = await lockPerson(tx, id);
    if (person === undefined) throw new FlowplateError('PERSON_NOT_FOUND');
    if (person.endedAt === null) throw new FlowplateError('PERSON_IN_USE');
    if (person.erasedAt !== null) return { answer: {}, events: [], revokes: revokesNothing };
    await clearPerson(tx, id, now);
    const event = {
      eventType: 'platform.person.erased',
      organizationId: null,
      targetId: id,
      details: {},
    } as const;
    return { answer: {}, events: [event], revokes: revokesNothing };
  });
  // Can be many. After a fault the next call goes on, although the person is erased by then.
  await eraseAddressesOf(parts.db, id);
}
