import type { Clock } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { LoginSubject } from '../../domain/login-throttle.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findLoginBlock } from '../../stores/postgres/sessions/login-failures.ts';

/** Throws `TOO_MANY_ATTEMPTS` while one of these has to wait after wrong passwords. */
export async function requireNoLoginBlock(
  { db, clock }: { db: Db; clock: Clock },
  subjects: readonly LoginSubject[],
): Promise<void> {
  const now = clock.now();
  const blockedUntil = await findLoginBlock(db, subjects, now);
  if (blockedUntil === undefined) return;
  throw new FlowplateError('TOO_MANY_ATTEMPTS', {
    systemMessage: 'Too many failed logins',
    retryAfterSeconds: Math.ceil((blockedUntil.getTime() - now.getTime()) / 1_000),
  });
}
