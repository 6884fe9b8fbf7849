import type { Request } from 'express';
import { FlowplateError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { MasterKeys } from '../verify/master-keys.ts';

/** A secret of ours has at most 79 characters; whoever sends much more has not sent one. */
const credentialLengthMax = 512;

/**
 * The principal behind the master key in `x-flowplate-master-key`, or in `X-API-Key`. None, unknown, expired, revoked and
 * from outside its address list are one and the same `AUTHENTICATION_REQUIRED`; two different ones are
 * `AMBIGUOUS_CREDENTIALS`, for we will not guess which of them was meant.
 */
export async function authenticate(
  masterKeys: Pick<MasterKeys, 'identify'>,
  req: Request,
): Promise<Principal> {
  const secret = readCredential(req);
  const principal =
    secret.length > credentialLengthMax ? undefined : await masterKeys.identify(secret, req.ip);
  if (principal === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return principal;
}

function readCredential(req: Request): string {
  const sent = [
    ...(req.headersDistinct['x-flowplate-master-key'] ?? []),
    ...(req.headersDistinct['x-api-key'] ?? []),
  ];
  const [first, ...others] = new Set(sent);
  if (others.length > 0) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  if (first === undefined || first === '') throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return first;
}
