import { FlowplateError } from '../../domain/errors.ts';
import type { ApiUserPrincipal } from '../../domain/principal.ts';
import type { Access } from './access.ts';
import { admitKey, type KeyAccessParts, readBearer } from './bearer.ts';

export type ApiUserAccessParts = KeyAccessParts & {
  /** The current API user; undefined when it was deleted. */
  identifyApiUser(key: { userId: string; keyId: string }): Promise<ApiUserPrincipal | undefined>;
};

/** Access rule: key of an API user with the role `admin`, in `X-API-Key`. */
export function apiUserAdmin(): Access<ApiUserAccessParts, ApiUserPrincipal> {
  return {
    schemes: ['apiKey'],
    needs: 'Needs the key of an API user with the role `admin`.',
    errors: ['AMBIGUOUS_CREDENTIALS', 'AUTHENTICATION_REQUIRED', 'INSUFFICIENT_PERMISSIONS'],
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const key = await admitKey(parts, readBearer(exchange), 'apiUser', exchange);
      const principal = await parts.identifyApiUser({ userId: key.user_id, keyId: key.key_id });
      if (principal === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
      onKnown(principal);
      if (principal.role === 'admin') return principal;
      throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
        systemMessage: 'This API user does not have the role admin',
        details: { required_role: 'admin' },
      });
    },
  };
}
