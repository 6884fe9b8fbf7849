import type { IncomingMessage } from 'node:http';
import { FlowplateError } from '../../domain/errors.ts';
import { bearerToken } from '../../domain/forward-auth/presented-key.ts';
import { parseSecret, type SecretKind } from '../../domain/key-format.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { Accepted } from '../../domain/verdict.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import type { HttpExchange } from '../exchange.ts';

/**
 * A token of ours has some 400 characters, a key at most 57; whoever sends much more has sent
 * neither.
 */
const credentialLengthMax = 4_096;

export type KeyAccessParts = {
  /** Verification of the key that a caller comes with, which anybody may make up. */
  verifyCaller: VerifyParts;
};

/**
 * What stands in `Authorization: Bearer` (RFC 6750 §2.1) or `X-API-Key`. Nothing sent is
 * `AUTHENTICATION_REQUIRED`, and two different ones are `AMBIGUOUS_CREDENTIALS`. An empty header
 * is nothing sent.
 */
export function readBearer({ req }: Pick<HttpExchange, 'req'>): string {
  const [authorizations = [], keys = []] = sentCredentials(req);
  const tokens = authorizations.map((text) => bearerToken(text) ?? '');
  const [first = '', ...others] = [...tokens, ...keys];
  if (others.some((other) => other !== first)) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  if (first === '' || first.length > credentialLengthMax) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return first;
}

/** Whether anything stands where `readBearer` looks, well-formed or not. */
export function hasBearer({ req }: Pick<HttpExchange, 'req'>): boolean {
  return sentCredentials(req).flat().length > 0;
}

/** Without empty headers: a proxy makes one from a variable that is not set. */
function sentCredentials({ rawHeaders }: IncomingMessage): string[][] {
  const picked = pickHeaders(rawHeaders, ['authorization', 'x-api-key']);
  return picked.map((values) => values.filter((value) => value !== ''));
}

const everywhere = { organizationIds: null, environments: null };

/**
 * Recognises a key on the path on which every key is verified, counted and exactly revoked.
 * Unknown, ended and of another kind are one and the same `AUTHENTICATION_REQUIRED`.
 */
export async function admitKey(
  parts: KeyAccessParts,
  secret: string,
  kind: SecretKind,
  { ip }: Pick<HttpExchange, 'ip'>,
): Promise<Accepted> {
  if (parseSecret(secret)?.kind !== kind) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  const verdict = await verifyKey(parts.verifyCaller, everywhere, { key: secret, ip: ip() });
  if (verdict.valid) return verdict;
  throw new FlowplateError(
    verdict.code === 'ORGANIZATION_SUSPENDED' ? 'ORGANIZATION_SUSPENDED' : 'AUTHENTICATION_REQUIRED',
  );
}
