import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { MasterKeyPermission } from '../../domain/permission.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import {
  type MasterKeyPrincipal,
  type Principal,
  requireMasterKeyPermission,
} from '../../domain/principal.ts';
import type { HttpExchange } from '../exchange.ts';
import type { Access } from './access.ts';
import { ambiguous, identifyMasterKey, type MasterKeyAccessParts } from './identify-master-key.ts';

/** Our secrets have at most 79 characters. Longer text is not one. */
const credentialLengthMax = 512;

/**
 * Access rule: master key with a permission, in `x-flowplate-master-key` or `X-API-Key`, or by a
 * client certificate. A missing, unknown, expired or revoked key, or one from a foreign address,
 * gives the same `AUTHENTICATION_REQUIRED`. Two different keys are `AMBIGUOUS_CREDENTIALS`. An
 * empty header counts as absent.
 */
export function masterKey(permission: MasterKeyPermission): Access<MasterKeyAccessParts, MasterKeyPrincipal> {
  return {
    schemes: ['masterKey', 'clientCertificate'],
    needs: `Needs the permission \`${permission}\`.`,
    errors: ['AMBIGUOUS_CREDENTIALS', 'AUTHENTICATION_REQUIRED', 'INSUFFICIENT_PERMISSIONS'],
    areRefusalsAudited: permission !== 'keys:verify',
    admit(parts, exchange, onKnown) {
      return admitMasterKey(parts, findMasterKey(exchange.req.rawHeaders), permission, exchange, onKnown);
    },
  };
}

/**
 * Authenticates a master key from any place, or the client certificate of the connection. Throws
 * `AUTHENTICATION_REQUIRED`, `AMBIGUOUS_CREDENTIALS` and `INSUFFICIENT_PERMISSIONS`.
 */
export function admitMasterKey(
  parts: MasterKeyAccessParts,
  secret: string | undefined,
  permission: MasterKeyPermission,
  { req, ip }: Pick<HttpExchange, 'req' | 'ip'>,
  onKnown: (principal: Principal) => void,
): MaybeLater<MasterKeyPrincipal> {
  if (secret !== undefined && secret.length > credentialLengthMax)
    throw new FlowplateError('AUTHENTICATION_REQUIRED');
  const found = identifyMasterKey(parts, { secret, connection: req.socket, ip });
  return mapMaybe(found, (principal) => {
    if (principal === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
    if (principal === ambiguous) {
      const systemMessage = 'The secret and the client certificate belong to different master keys';
      throw new FlowplateError('AMBIGUOUS_CREDENTIALS', { systemMessage });
    }
    onKnown(principal);
    requireMasterKeyPermission(principal, permission);
    return principal;
  });
}

const credentialHeaders = ['x-flowplate-master-key', 'x-api-key'] as const;

/** The presented master key. Throws `AMBIGUOUS_CREDENTIALS` or `AUTHENTICATION_REQUIRED`. */
export function readMasterKey(rawHeaders: readonly string[]): string {
  const secret = findMasterKey(rawHeaders);
  if (secret === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return secret;
}

/** The same; undefined when none was sent. */
function findMasterKey(rawHeaders: readonly string[]): string | undefined {
  const sent = pickHeaders(rawHeaders, credentialHeaders)
    .flat()
    .filter((value) => value !== '');
  const [first] = sent;
  if (sent.some((other) => other !== first)) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  return first;
}
