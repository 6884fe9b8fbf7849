import {
  type DeviceCodes,
  deviceCodeDigests,
  deviceLoginLifeMs,
  devicePlace,
  newDeviceCodes,
  openMax,
  openPerPlaceMax,
  pollSeconds,
} from '../../domain/device-login.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { anybody, originOf } from '../../domain/principal.ts';
import type { SessionClient } from '../../domain/session.ts';
import { countOpenDeviceLogins, insertDeviceLogin } from '../../stores/postgres/sessions/device-logins.ts';
import { type ChangeParts, commitChange } from '../change.ts';

export type DeviceParts = Omit<ChangeParts, 'propagation'> & { keyring: Keyring };

export type StartedDeviceLogin = DeviceCodes & { expiresInSeconds: number; intervalSeconds: number };

/**
 * Begins a log-in that somebody approves in the browser (RFC 8628 §3.1). It changes no rights, so
 * it is not audited; the approval is. `TOO_MANY_ATTEMPTS` while too many wait for an answer.
 */
export async function startDeviceLogin(
  parts: DeviceParts,
  client: SessionClient,
  requestId: string,
): Promise<StartedDeviceLogin> {
  const { keyring } = parts;
  const codes = newDeviceCodes(parts.randomBytes);
  const [deviceDigest] = deviceCodeDigests(keyring, 'device', codes.deviceCode);
  const [userDigest] = deviceCodeDigests(keyring, 'user', codes.userCode);
  const place = devicePlace(keyring, client.address);
  const by = originOf({ principal: anybody, requestId, address: client.address });
  await commitChange(parts, { by }, async (tx, now) => {
    const open = await countOpenDeviceLogins(tx, place, now);
    if (open.ofPlace >= openPerPlaceMax || open.all >= openMax) throw tooManyOpen();
    const expiresAt = new Date(now.getTime() + deviceLoginLifeMs);
    const login = { ...client, place, intervalSeconds: pollSeconds, createdAt: now, expiresAt };
    await insertDeviceLogin(tx, {
      ...login,
      deviceDigest: deviceDigest as Buffer,
      userDigest: userDigest as Buffer,
    });
    return { answer: {}, events: [], revokes: revokesNothing };
  });
  return { ...codes, expiresInSeconds: deviceLoginLifeMs / 1_000, intervalSeconds: pollSeconds };
}

function tooManyOpen(): FlowplateError {
  return new FlowplateError('TOO_MANY_ATTEMPTS', {
    systemMessage: 'Too many log-ins wait for an answer in the browser',
    retryAfterSeconds: 60,
  });
}
