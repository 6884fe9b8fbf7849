import { Secret, TOTP } from 'otpauth';
import type { RandomBytes } from '../../domain/clock.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { openUnderPepper, sealUnderPepper } from '../../domain/pepper-seal.ts';

const purpose = 'totp secret';
const issuer = 'Flowplate Keys';

/** What every app knows (RFC 6238): SHA-1, 6 digits, 30 seconds. Apps ignore other settings. */
const periodSeconds = 30;
/** Clocks of phones differ, and people type slowly: one step before and after counts too. */
const window = 1;
/** RFC 4226 §4 recommends 160 bits. */
const secretBytes = 20;

export function newTotpSecret(randomBytes: RandomBytes): string {
  return Secret.fromHex(Buffer.from(randomBytes(secretBytes)).toString('hex')).base32;
}

/** What an app reads from the picture. */
export function totpUri(secret: string, label: string): string {
  return new TOTP({ issuer, label, secret }).toString();
}

/** The time step whose code this is; undefined for a wrong code. Compares in constant time. */
export function findTotpStep(secret: string, code: string, now: Date): number | undefined {
  const timestamp = now.getTime();
  const delta = TOTP.validate({ secret: Secret.fromBase32(secret), token: code, timestamp, window });
  return delta === null ? undefined : Math.floor(timestamp / 1_000 / periodSeconds) + delta;
}

/** Under the current pepper, bound to the app's id: a stolen table makes no codes. */
export function sealTotpSecret(keyring: Keyring, id: string, secret: string) {
  const { sealed, pepperId } = sealUnderPepper(keyring, purpose, id, secret);
  return { sealedSecret: sealed, pepperId };
}

/** Undefined when its pepper is gone: the app is then as good as lost. */
export function openTotpSecret(
  keyring: Keyring,
  { id, sealedSecret, pepperId }: { id: string; sealedSecret: Buffer; pepperId: string },
): string | undefined {
  return openUnderPepper(keyring, purpose, id, { pepperId, sealed: sealedSecret });
}
