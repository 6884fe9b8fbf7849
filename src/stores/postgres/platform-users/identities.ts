import { emailKey } from '../../../domain/email.ts';
import type { Db, Tx } from '../database.ts';

/** A person at an identity provider. The subject is unique within the issuer, and never reused. */
export type ProviderSubject = { issuer: string; subject: string };

export async function findUserIdOf(
  db: Db,
  { issuer, subject }: ProviderSubject,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('platform_identities')
    .select('user_id')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row?.user_id;
}

export async function insertIdentity(
  tx: Tx,
  { issuer, subject, userId, now }: ProviderSubject & { userId: string; now: Date },
): Promise<void> {
  await tx
    .insertInto('platform_identities')
    .values({ issuer, subject, user_id: userId, created_at: now })
    .execute();
}

/** Whether an account has this e-mail address, in any case or Unicode form. */
export async function isEmailTaken(db: Db, email: string): Promise<boolean> {
  const row = await db
    .selectFrom('platform_users')
    .select('id')
    .where('email_key', '=', emailKey(email))
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes the time of a login that needed no password. */
export async function noteLogin(tx: Tx, userId: string, now: Date): Promise<void> {
  await tx.updateTable('platform_users').set({ last_login_at: now }).where('id', '=', userId).execute();
}
