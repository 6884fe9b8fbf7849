import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { MasterKeyPermission } from '../../domain/permission.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import {
  type MasterKeyPrincipal,
  type Principal,
  requireMasterKeyPermission,
} from '../../domain/principal.ts';
import type { MasterKeys } from '../../verify/master-keys.ts';
import type { HttpExchange } from '../exchange.ts';
import type { Access } from './access.ts';

/** Our secrets have at most 79 characters. Longer text is not one. */
const credentialLengthMax = 512;

export type MasterKeyAccessParts = { masterKeys: Pick<MasterKeys, 'identify'> };

/**
 * Access rule: master key with a permission, in `x-flowplate-master-key` or `X-API-Key`. A missing,
 * unknown, expired or revoked key, or one from a foreign address, gives the same
 * `AUTHENTICATION_REQUIRED`. Two different keys are `AMBIGUOUS_CREDENTIALS`. An empty header counts
 * as absent.
 */
export function masterKey(permission: MasterKeyPermission): Access<MasterKeyAccessParts, MasterKeyPrincipal> {
  return {
    schemes: ['masterKey'],
    needs: `Needs the permission \`${permission}\`.`,
    errors: ['AMBIGUOUS_CREDENTIALS', 'AUTHENTICATION_REQUIRED', 'INSUFFICIENT_PERMISSIONS'],
    areRefusalsAudited: permission !== 'keys:verify',
    admit(parts, exchange, onKnown) {
      return admitMasterKey(parts, readMasterKey(exchange.req.rawHeaders), permission, exchange, onKnown);
    },
  };
}

/**
 * Authenticates a master key from any place. Throws `AUTHENTICATION_REQUIRED` and
 * `INSUFFICIENT_PERMISSIONS`.
 */
export function admitMasterKey(
  { masterKeys }: MasterKeyAccessParts,
  secret: string,
  permission: MasterKeyPermission,
  { ip }: Pick<HttpExchange, 'ip'>,
  onKnown: (principal: Principal) => void,
): MaybeLater<MasterKeyPrincipal> {
  const found = secret.length > credentialLengthMax ? undefined : masterKeys.identify(secret, ip);
  return mapMaybe(found, (principal) => {
    if (principal === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
    onKnown(principal);
    requireMasterKeyPermission(principal, permission);
    return principal;
  });
}

const credentialHeaders = ['x-flowplate-master-key', 'x-api-key'] as const;

/** The presented master key. Throws `AMBIGUOUS_CREDENTIALS` or `AUTHENTICATION_REQUIRED`. */
export function readMasterKey(rawHeaders: readonly string[]): string {
  const sent = pickHeaders(rawHeaders, credentialHeaders)
    .flat()
    .filter((value) => value !== '');
  const first = sent[0] ?? '';
  if (sent.some((other) => other !== first)) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  if (first === '') throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return first;
}
