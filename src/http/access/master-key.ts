import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { bearerToken } from '../../domain/forward-auth/presented-key.ts';
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
 * Access rule: master key with a permission, in `x-flowplate-master-key` or `X-API-Key`, by a
 * client certificate, or by a workload token in one of these headers or as `Bearer`. A missing,
 * unknown, expired or revoked one, or one from a foreign address, gives the same
 * `AUTHENTICATION_REQUIRED`. Two different ones are `AMBIGUOUS_CREDENTIALS`. An empty header counts
 * as absent.
 */
export function masterKey(permission: MasterKeyPermission): Access<MasterKeyAccessParts, MasterKeyPrincipal> {
  return {
    schemes: ['masterKey', 'clientCertificate', 'workloadToken'],
    needs: `Needs the permission \`${permission}\`.`,
    errors: ['AMBIGUOUS_CREDENTIALS', 'AUTHENTICATION_REQUIRED', 'INSUFFICIENT_PERMISSIONS'],
    areRefusalsAudited: permission !== 'keys:verify',
    isForGateways: permission.startsWith('keys:verify'),
    admit(parts, exchange, onKnown) {
      const secret = findMasterKey(exchange.req.rawHeaders, (token) => parts.workloadTokens.isOurs(token));
      return admitMasterKey(parts, secret, permission, exchange, onKnown);
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
  const isTooLong = secret !== undefined && secret.length > credentialLengthMax;
  if (isTooLong && !parts.workloadTokens.isOurs(secret)) throw new FlowplateError('AUTHENTICATION_REQUIRED');
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

const credentialHeaders = ['x-flowplate-master-key', 'x-api-key', 'authorization'] as const;

/** The presented master key. Throws `AMBIGUOUS_CREDENTIALS` or `AUTHENTICATION_REQUIRED`. */
export function readMasterKey(rawHeaders: readonly string[]): string {
  const secret = findMasterKey(rawHeaders);
  if (secret === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  return secret;
}

/**
 * The same; undefined when none was sent. `Authorization` counts only with a workload token: other
 * credentials there belong to something in between.
 */
function findMasterKey(
  rawHeaders: readonly string[],
  isToken: (text: string) => boolean = () => false,
): string | undefined {
  const [masterKeys = [], apiKeys = [], authorizations = []] = pickHeaders(rawHeaders, credentialHeaders);
  const bearers = authorizations.map((text) => bearerToken(text) ?? '').filter(isToken);
  const sent = [...masterKeys, ...apiKeys, ...bearers].filter((value) => value !== '');
  const [first] = sent;
  if (sent.some((other) => other !== first)) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  return first;
}
