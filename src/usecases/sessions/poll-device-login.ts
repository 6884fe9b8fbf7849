import { deviceCodeDigests, slowDownSeconds } from '../../domain/device-login.ts';
import { type ErrorCode, FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import { anybody, originOf } from '../../domain/principal.ts';
import type { SessionClient } from '../../domain/session.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { noteLogin } from '../../stores/postgres/platform-users/identities.ts';
import { findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import {
  deleteDeviceLogin,
  findDeviceLoginState,
  lockDeviceLogin,
  notePoll,
  type PolledDeviceLogin,
} from '../../stores/postgres/sessions/device-logins.ts';
import { commitChange, type Decision } from '../change.ts';
import { beginSession, type NewSessionParts, newSession, withSigningKey } from './new-session.ts';
import type { DeviceParts } from './start-device-login.ts';

export type PollParts = DeviceParts & NewSessionParts & { strangersDb: Database };

export type PollRequest = { deviceCode: string; client: SessionClient; requestId: string };

type Polled = { token: string; expiresAt: Date; user: PlatformUser } | { refusal: ErrorCode };

/**
 * The token of an approved log-in, for the program that started it (RFC 8628 §3.4). Handed out
 * once: of two polls at a time one gets it. Otherwise `AUTHORIZATION_PENDING`, `SLOW_DOWN` for a
 * poll that came too early, `DEVICE_LOGIN_DENIED`, or `DEVICE_CODE_EXPIRED`, also for an unknown
 * code and when the approving session has ended.
 */
export async function pollDeviceLogin(
  parts: PollParts,
  request: PollRequest,
): Promise<Exclude<Polled, { refusal: ErrorCode }>> {
  const digests = deviceCodeDigests(parts.keyring, 'device', request.deviceCode);
  // Made-up codes cost a read on the strangers' connections, and no transaction.
  const state = await findDeviceLoginState(parts.strangersDb, digests, parts.clock.now());
  if (state === 'unknown') throw new FlowplateError('DEVICE_CODE_EXPIRED');
  const sessionParts = await withSigningKey(parts);
  const by = originOf({ principal: anybody, requestId: request.requestId, address: request.client.address });
  // Everything that ends sessions of the user is over, or begins after this.
  const ends = state === 'answered' ? ({ ends: 'operators' } as const) : {};
  const { answer } = await commitChange<{ polled: Polled }>(parts, { by, ...ends }, async (tx, now) => {
    const login = await lockDeviceLogin(tx, digests, now);
    if (login === undefined) return refused('DEVICE_CODE_EXPIRED');
    if (login.isDenied) {
      await deleteDeviceLogin(tx, login.deviceDigest);
      return refused('DEVICE_LOGIN_DENIED');
    }
    if (login.approval === undefined || state === 'waiting') return refused(await wait(tx, login, now));
    await deleteDeviceLogin(tx, login.deviceDigest);
    return handOut(sessionParts, request, tx, login.approval, now);
  });
  if ('refusal' in answer.polled) throw new FlowplateError(answer.polled.refusal);
  return answer.polled;
}

function refused(refusal: ErrorCode): Decision<{ polled: Polled }> {
  return { answer: { polled: { refusal } }, events: [], revokes: revokesNothing };
}

async function wait(
  tx: Tx,
  { deviceDigest, intervalSeconds, lastPolledAt }: PolledDeviceLogin,
  now: Date,
): Promise<ErrorCode> {
  const sinceMs = now.getTime() - (lastPolledAt?.getTime() ?? 0);
  const isTooEarly = sinceMs < intervalSeconds * 1_000 - earlyMsMax;
  const next = isTooEarly ? intervalSeconds + slowDownSeconds : intervalSeconds;
  await notePoll(tx, { deviceDigest, intervalSeconds: next, now });
  return isTooEarly ? 'SLOW_DOWN' : 'AUTHORIZATION_PENDING';
}

/** A poll may travel faster than the one before it. */
const earlyMsMax = 500;

async function handOut(
  parts: NewSessionParts,
  { client, requestId }: PollRequest,
  tx: Tx,
  { userId, secondFactor, confirmedAt }: NonNullable<PolledDeviceLogin['approval']>,
  now: Date,
): Promise<Decision<{ polled: Polled }>> {
  await noteLogin(tx, userId, now);
  const user = await findPlatformUser(tx, userId);
  if (user === undefined) return refused('DEVICE_CODE_EXPIRED');
  const made = await newSession(parts, userId, { ...client, method: 'device', secondFactor });
  // Not now: the person proved who they are when they approved, and this may be a while later.
  const created = { ...made, session: { ...made.session, confirmedAt } };
  const event = await beginSession(tx, created);
  const actor = { kind: 'platform_user', id: userId } as const;
  return {
    answer: { polled: { token: created.token, expiresAt: created.session.expiresAt, user } },
    events: [{ ...event, origin: { actor, requestId, clientAddress: client.address ?? null } }],
    revokes: revokesNothing,
  };
}
