import { FlowplateError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { MasterKeys } from '../verify/master-keys.ts';
import type { Exchange } from './exchange.ts';
import { pickHeaders } from './pick-headers.ts';

/** A secret of ours has at most 79 characters; whoever sends much more has not sent one. */
const credentialLengthMax = 512;

/**
 * The principal behind the master key in `x-flowplate-master-key`, or in `X-API-Key`. None, unknown, expired, revoked and
 * from outside its address list are one and the same `AUTHENTICATION_REQUIRED`; two different ones are
 * `AMBIGUOUS_CREDENTIALS`, for we will not guess which of them was meant.
 */
export async function authenticate(
  masterKeys: Pick<MasterKeys, 'identify'>,
  { req, ip }: Pick<Exchange, 'req' | 'ip'>,
): Promise<Principal> {
  const secret = readCredential(req.rawHeaders);
  const principal = secret.length > credentialLengthMax ? undefined : await masterKeys.identify(secret, ip);
  if (principal === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return principal;
}

const credentialHeaders = ['x-flowplate-master-key', 'x-api-key'] as const;

function readCredential(rawHeaders: readonly string[]): string {
  const sent = pickHeaders(rawHeaders, credentialHeaders).flat();
  const first = sent[0] ?? '';
  if (sent.some((other) => other !== first)) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  if (first === '') throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return first;
}
