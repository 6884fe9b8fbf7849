import { FlowplateError } from '../../domain/errors.ts';
import { bearerToken } from '../../domain/forward-auth/presented-key.ts';
import { parseSecret, type SecretKind } from '../../domain/key-format.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { Accepted } from '../../domain/verdict.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import type { HttpExchange } from '../exchange.ts';
import type { RequestHead } from '../request-head.ts';

/** A token has some 400 characters, a key at most 57. Longer text is neither. */
const credentialLengthMax = 4_096;

export type KeyAccessParts = {
  /** Verifies the caller's key, which may be made up. */
  verifyCaller: VerifyParts;
};

/**
 * Credential in `Authorization: Bearer` (RFC 6750 §2.1) or `X-API-Key`. `AUTHENTICATION_REQUIRED`
 * without one, `AMBIGUOUS_CREDENTIALS` for two different ones. An empty header counts as absent.
 */
export function readBearer({ req }: Pick<HttpExchange, 'req'>): string {
  const [authorizations = [], keys = []] = sentCredentials(req);
  const tokens = authorizations.map((text) => bearerToken(text) ?? '');
  const [first = '', ...others] = [...tokens, ...keys];
  if (others.some((other) => other !== first)) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  if (first === '' || first.length > credentialLengthMax) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return first;
}

/** Whether there is any text where `readBearer` looks, well-formed or not. */
export function hasBearer({ req }: Pick<HttpExchange, 'req'>): boolean {
  return sentCredentials(req).flat().length > 0;
}

/** Skips empty headers: a proxy sends one for an unset variable. */
function sentCredentials({ rawHeaders }: RequestHead): string[][] {
  const picked = pickHeaders(rawHeaders, ['authorization', 'x-api-key']);
  return picked.map((values) => values.filter((value) => value !== ''));
}

const everywhere = { organizationIds: null, environments: null };

/**
 * Authenticates a key through the normal verification, so that it is counted and exactly revoked.
 * An unknown key, an ended one and one of another kind give the same `AUTHENTICATION_REQUIRED`.
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
