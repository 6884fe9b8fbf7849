import { createHash, createHmac, timingSafeEqual, verify } from 'node:crypto';
import { redact } from './redact.ts';

/** What happens to a reported key of a user; other kinds: `usecases/leaks/answer-leak.ts`. */
export const leakActions = ['quarantine', 'revoke', 'notify'] as const;
export type LeakAction = (typeof leakActions)[number];

/** A place where somebody has found a token. */
export type ReportedToken = {
  token: string;
  url?: string | undefined;
  source?: string | undefined;
};

/** Named reporters and their secrets. */
export type LeakReporters = ReadonlyMap<string, Buffer>;

export const reporterSecretBytesMin = 32;

/** A report is refused when its time is further from ours than this. */
const reportAgeMsMax = 300_000;

export type ReporterSignature = { reporter: string; atSeconds: number; mac: Buffer };

const signatureText = /^reporter=([a-z0-9-]{1,32}),t=(\d{1,12}),v1=([0-9a-f]{64})$/;

/** `reporter=<name>,t=<Unix seconds>,v1=<hex>`; undefined for other text. */
export function parseReporterSignature(text: string): ReporterSignature | undefined {
  const [, reporter, seconds, hex] = signatureText.exec(text) ?? [];
  if (reporter === undefined || seconds === undefined || hex === undefined) return undefined;
  return { reporter, atSeconds: Number(seconds), mac: Buffer.from(hex, 'hex') };
}

/** HMAC-SHA-256 over the time, a full stop, and the body as it was sent. */
export function signReport(secret: Uint8Array, atSeconds: number, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${atSeconds}.`).update(body).digest();
}

/** Secret of a named reporter whose signature is of the last five minutes. */
export function findReporterSecret(
  reporters: LeakReporters,
  { reporter, atSeconds }: ReporterSignature,
  nowMs: number,
): Uint8Array | undefined {
  return Math.abs(nowMs - atSeconds * 1_000) > reportAgeMsMax ? undefined : reporters.get(reporter);
}

/** Whether the owner of this secret has signed the body. */
export function isReportersSignature(
  secret: Uint8Array,
  { atSeconds, mac }: ReporterSignature,
  body: Uint8Array,
): boolean {
  return timingSafeEqual(signReport(secret, atSeconds, body), mac);
}

/** ECDSA over P-256 with SHA-256, in DER, as GitHub signs. False for a key of another kind. */
export function isScannersSignature(publicKeyPem: string, signature: Uint8Array, body: Uint8Array): boolean {
  try {
    return verify('sha256', body, publicKeyPem, signature);
  } catch {
    return false;
  }
}

/** Name of a token in the answer to its reporter. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

const urlLengthMax = 512;
const sourcePattern = /^[\w.:/-]{1,64}$/;

/**
 * The place of a leak as the audit log may keep it: an https address without user, query and
 * fragment, which may hold secrets. Null for any other, and for one with a key of ours in it.
 */
export function shownUrl(text: string | undefined): string | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const { protocol, origin, pathname } = new URL(text);
  const shown = origin + pathname;
  return protocol === 'https:' && shown.length <= urlLengthMax && redact(shown) === shown ? shown : null;
}

/** What a scanner calls the kind of place, such as `content`. */
export function shownSource(text: string | undefined): string | null {
  return text !== undefined && sourcePattern.test(text) && redact(text) === text ? text : null;
}
