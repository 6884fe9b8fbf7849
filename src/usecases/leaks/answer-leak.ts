import type { Origin } from '../../domain/audit-event.ts';
import { placesOf, revokesKeys, revokesNothing } from '../../domain/key-change.ts';
import { type ReportedToken, shownSource, shownUrl } from '../../domain/leak-report.ts';
import { quarantineMs, statusAt } from '../../domain/user-key.ts';
import { keyOfWaiting } from '../../domain/waiting-key.ts';
import type { Told } from '../../revocation/propagation-watch.ts';
import { endApiKey, lockApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import { isLastApiAdmin, lockApiAdmins, lockApiUser } from '../../stores/postgres/api-users.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { type LeakedKey, rememberAnswer } from '../../stores/postgres/leaks/leak-reports.ts';
import { findMasterKey, revokeMasterKey } from '../../stores/postgres/master-keys/master-keys.ts';
import { endStoppedKeysOf } from '../../stores/postgres/user-keys/key-stops.ts';
import { quarantineKey } from '../../stores/postgres/user-keys/quarantine.ts';
import { findKey, lockUserKeys, revokeKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import { findWaitingKey, removeWaitingKey } from '../../stores/postgres/user-keys/waiting-keys.ts';
import { endVerifiersOf } from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { apiKeyEvent } from '../api-keys/api-key-changes.ts';
import { apiUserPlace } from '../api-users/api-user-parts.ts';
import { endKeyOfApiUser } from '../api-users/new-api-user.ts';
import { type ChangeOptions, commitChange, type Decision, type EventDraft } from '../change.ts';
import { revokesMasterKey } from '../master-keys/issue-master-key.ts';
import { keyEvent, keyRevokedEvent } from '../user-keys/key-events.ts';
import type { LeakParts } from './receive-report.ts';

/** A found token, who reports it, and the signature of that report. */
export type Leak = ReportedToken & { reporter: string; signature: Buffer; origin: Origin };

/** `told`: the entry of the feed that verifiers have to apply; undefined when nothing ends. */
export type LeakAnswer = { told: Told | undefined };

type Done = 'quarantined' | 'revoked' | 'none';
type Answered = Decision<object>;

/** The key was deleted since it was found. */
const nothing: Answered = { answer: {}, events: [], revokes: revokesNothing };

/**
 * Ends a key that somebody has found, by its kind, with the event `key.leaked` in any case. A key
 * of a user does what `LEAK_ACTION` says. The other kinds have no quarantine: keys of tenants, of
 * the platform and of API users are revoked instead, and master keys are only told of, since whole
 * backends and gateways stop with them; `revoke` ends these too. The last admin among the API users
 * keeps the key, without which nobody could make another. A report ends a key once, so one that
 * broke off and is sent again takes no release back.
 */
export async function answerLeak(parts: LeakParts, leak: Leak, leaked: LeakedKey): Promise<LeakAnswer> {
  const { by, ends, decide } = answerOf(parts, leak, leaked);
  const { told } = await commitChange(parts, { by, ends }, async (tx, now): Promise<Answered> => {
    const isNew = await rememberAnswer(tx, leak.signature, leaked.id);
    return isNew ? decide(tx, now) : { ...nothing, revokes: { alreadyTold: true, audience: 'everybody' } };
  });
  return { told };
}

type Answer = Required<Pick<ChangeOptions, 'by' | 'ends'>> & {
  decide(tx: Tx, now: Date): Promise<Answered>;
};

function answerOf(parts: LeakParts, leak: Leak, leaked: LeakedKey): Answer {
  const by = leak.origin;
  const { id, userId } = leaked;
  if (leaked.kind === 'canary') return { by, ends: [], decide: (tx) => answerForCanary(tx, leak, leaked) };
  if (leaked.kind === 'waiting')
    return { by, ends: [], decide: (tx, now) => answerForWaitingKey(parts, tx, leak, leaked, now) };
  if (leaked.kind === 'user')
    return { by, ends: [], decide: (tx, now) => answerForUserKey(parts, tx, leak, leaked, now) };
  if (leaked.kind === 'master')
    return { by, ends: [id], decide: (tx, now) => answerForMasterKey(parts, tx, leak, id, now) };
  if (leaked.kind === 'api_user')
    return { by, ends: [userId], decide: (tx, now) => answerForApiUser(parts, tx, leak, leaked, now) };
  return { by, ends: [id], decide: (tx, now) => answerForApiKey(parts, tx, leak, id, now) };
}

async function answerForUserKey(
  { leakAction }: LeakParts,
  tx: Tx,
  leak: Leak,
  { id, userId }: LeakedKey,
  now: Date,
): Promise<Answered> {
  await lockUserKeys(tx, userId);
  const before = await findKey(tx, id);
  if (before === undefined) return nothing;
  await endStoppedKeysOf(tx, before);
  const key = (await findKey(tx, id)) ?? before;
  const status = statusAt(key, now);
  const isAccepted = status === 'active' || status === 'superseded';
  if (leakAction === 'quarantine' && isAccepted) {
    const until = new Date(now.getTime() + quarantineMs);
    const revision = await quarantineKey(tx, { id, until, now });
    const quarantined = keyEvent('key.quarantined', key, { quarantined_until: until.toISOString() });
    return {
      answer: {},
      events: [keyEvent('key.leaked', key, detailsOf(leak, 'quarantined')), quarantined],
      revokes: revokesKeys([{ ...key, revision }]),
    };
  }
  if (leakAction === 'revoke' && (isAccepted || status === 'quarantined')) {
    const revoked = await revokeKeys(tx, [id], 'key_compromise', now);
    return {
      answer: {},
      events: [
        keyEvent('key.leaked', key, detailsOf(leak, 'revoked')),
        ...revoked.map((each) => keyRevokedEvent(each, 'key_compromise')),
      ],
      revokes: revokesKeys(revoked),
    };
  }
  return told([keyEvent('key.leaked', key, detailsOf(leak, 'none'))], [key]);
}

/**
 * A key that waits for its first use is dropped: no verifier has accepted it, so there is nothing
 * to give back. The key before it goes on, and its owner refreshes it once more.
 */
async function answerForWaitingKey(
  parts: LeakParts,
  tx: Tx,
  leak: Leak,
  leaked: LeakedKey,
  now: Date,
): Promise<Answered> {
  await lockUserKeys(tx, leaked.userId);
  const isDropped = parts.leakAction !== 'notify';
  const waiting = isDropped ? await removeWaitingKey(tx, leaked.id) : await findWaitingKey(tx, leaked.id);
  const before = waiting && (await findKey(tx, waiting.previousKeyId));
  if (waiting === undefined || before === undefined) {
    // It was used meanwhile, or something else has ended it.
    const isActive = (await findKey(tx, leaked.id)) !== undefined;
    if (isActive) return answerForUserKey(parts, tx, leak, leaked, now);
    return nothing;
  }
  const key = keyOfWaiting(before, waiting);
  if (!isDropped) return told([keyEvent('key.leaked', key, detailsOf(leak, 'none'))], [key]);
  const events = [
    keyEvent('key.leaked', key, detailsOf(leak, 'revoked')),
    keyRevokedEvent(key, 'key_compromise'),
  ];
  return told(events, [key]);
}

/** It is bait: it stays where it is, and goes on telling of its uses. */
async function answerForCanary(tx: Tx, leak: Leak, { id }: LeakedKey): Promise<Answered> {
  const key = await findKey(tx, id);
  return key === undefined ? nothing : told([keyEvent('key.leaked', key, detailsOf(leak, 'none'))], [key]);
}

async function answerForApiKey(
  { leakAction }: LeakParts,
  tx: Tx,
  leak: Leak,
  id: string,
  now: Date,
): Promise<Answered> {
  const key = await lockApiKey(tx, { organizationId: null }, id);
  if (key === undefined) return nothing;
  const { name, keyPrefix: key_prefix, kind } = key;
  const leakedEvent = (done: Done): EventDraft => ({
    eventType: 'key.leaked',
    organizationId: kind === 'platform' ? null : key.organizationId,
    targetId: id,
    details: { kind, name, key_prefix, ...detailsOf(leak, done) },
  });
  if (leakAction === 'notify' || key.status !== 'active') return told([leakedEvent('none')], [key]);
  const ended = await endApiKey(tx, id, 'key_compromise', now);
  const revoked = apiKeyEvent('revoked', ended, { status: ended.status, reason: 'key_compromise' });
  return { answer: {}, events: [leakedEvent('revoked'), revoked], revokes: revokesKeys([ended]) };
}

async function answerForApiUser(
  parts: LeakParts,
  tx: Tx,
  leak: Leak,
  { id, userId }: LeakedKey,
  now: Date,
): Promise<Answered> {
  await lockApiAdmins(tx);
  const user = await lockApiUser(tx, userId);
  if (user === undefined) return nothing;
  const leakedEvent = (done: Done): EventDraft => ({
    eventType: 'key.leaked',
    organizationId: null,
    targetId: id,
    // Without the name: it may be a person's.
    details: { kind: 'api_user', api_user_id: userId, ...detailsOf(leak, done) },
  });
  const isCurrent = (await findKey(tx, id))?.status === 'active';
  if (parts.leakAction === 'notify' || !isCurrent || (await isLastApiAdmin(tx, userId))) {
    return told([leakedEvent('none')], [apiUserPlace]);
  }
  const { events, ...ended } = await endKeyOfApiUser(parts, tx, { user, keyId: id }, 'key_compromise', now);
  return { ...ended, events: [leakedEvent('revoked'), ...events] };
}

async function answerForMasterKey(
  { leakAction }: LeakParts,
  tx: Tx,
  leak: Leak,
  id: string,
  now: Date,
): Promise<Answered> {
  const name = (await findMasterKey(tx, id))?.name ?? null;
  const leakedEvent = (done: Done): EventDraft => ({
    eventType: 'key.leaked',
    organizationId: null,
    targetId: id,
    details: { kind: 'master', name, ...detailsOf(leak, done) },
  });
  const revision =
    leakAction === 'revoke'
      ? await revokeMasterKey(tx, { id, reason: 'key_compromise', at: now })
      : undefined;
  if (revision === undefined) {
    const revokes = { alreadyTold: true, audience: { masterKeyId: id } } as const;
    return { answer: {}, events: [leakedEvent('none')], revokes };
  }
  await endVerifiersOf(tx, id);
  const revoked: EventDraft = {
    eventType: 'master_key.revoked',
    organizationId: null,
    targetId: id,
    details: { reason: 'key_compromise' },
  };
  return { answer: {}, events: [leakedEvent('revoked'), revoked], revokes: revokesMasterKey(id, revision) };
}

/** Nothing ends now. An earlier change may still be on its way to verifiers. */
function told(
  events: EventDraft[],
  keys: readonly { organizationId: string; environment: string }[],
): Answered {
  return { answer: {}, events, revokes: { alreadyTold: true, audience: { places: placesOf(keys) } } };
}

/** Never the token. */
function detailsOf({ reporter, url, source }: Leak, done: Done): Record<string, unknown> {
  return { reporter, source: shownSource(source), url: shownUrl(url), action: done };
}
