import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { pruneSessions } from '../../../src/usecases/upkeep/prune-sessions.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

async function sessionOf(minutesLeft: number): Promise<string> {
  const id = `sess_${randomUUID()}`;
  await sql`
    INSERT INTO platform_users (id, email, email_key, name, password_hash, role_ids, created_at, updated_at)
    VALUES ('puser_1', 'a@b', 'a@b', 'A', 'x', '{}', now(), now()) ON CONFLICT DO NOTHING`.execute(db);
  await sql`INSERT INTO platform_sessions (id, user_id, expires_at, created_at)
    VALUES (${id}, 'puser_1', now() + make_interval(mins => ${minutesLeft}), now())`.execute(db);
  return id;
}

async function failureOf(minutesAgo: number): Promise<Buffer> {
  const subject = randomBytes(32);
  await sql`INSERT INTO login_failures (subject, failures, last_failed_at)
    VALUES (${subject}, 1, now() - make_interval(mins => ${minutesAgo}))`.execute(db);
  return subject;
}

async function knownPlaceOf(daysAgo: number): Promise<Buffer> {
  const id = randomBytes(32);
  await sql`INSERT INTO known_places (id, user_id, last_login_at)
    VALUES (${id}, 'puser_1', now() - make_interval(days => ${daysAgo}))`.execute(db);
  return id;
}

async function challengeOf(minutesLeft: number): Promise<string> {
  const challenge = randomUUID();
  await sql`INSERT INTO passkey_challenges (challenge, user_id, purpose, expires_at)
    VALUES (${challenge}, 'puser_1', 'log in', now() + make_interval(mins => ${minutesLeft}))`.execute(db);
  return challenge;
}

async function signingKeyOf(daysAgo: number): Promise<string> {
  const id = `sig_${randomUUID()}`;
  await sql`INSERT INTO signing_keys (id, public_key, pepper_id, sealed_private_key, created_at)
    VALUES (${id}, 'x', 'p1', 'x', now() - make_interval(hours => ${daysAgo * 24}))`.execute(db);
  return id;
}

test('expired sessions, forgotten failures and places, challenges, and signing keys past their last token are dropped, the others are kept', async () => {
  await sessionOf(-1);
  const session = await sessionOf(1);
  await failureOf(24 * 60 + 1);
  const subject = await failureOf(24 * 60 - 1);
  await knownPlaceOf(31);
  const place = await knownPlaceOf(29);
  await challengeOf(-1);
  const challenge = await challengeOf(1);
  await signingKeyOf(33);
  const key = await signingKeyOf(31);
  expect(await pruneSessions({ db })).toBe(5);
  expect(await db.selectFrom('platform_sessions').select('id').execute()).toEqual([{ id: session }]);
  expect(await db.selectFrom('login_failures').select('subject').execute()).toEqual([{ subject }]);
  expect(await db.selectFrom('known_places').select('id').execute()).toEqual([{ id: place }]);
  const challenges = await db.selectFrom('passkey_challenges').select('challenge').execute();
  expect(challenges).toEqual([{ challenge }]);
  expect(await db.selectFrom('signing_keys').select('id').execute()).toEqual([{ id: key }]);
  expect(await pruneSessions({ db })).toBe(0);
});
