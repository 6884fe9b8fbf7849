import { FlowplateError, validationError } from '../../domain/errors.ts';
import { parseSecret } from '../../domain/key-format.ts';
import type { OperatorPrincipal, Principal, TenantPrincipal } from '../../domain/principal.ts';
import type { Exchange } from '../exchange.ts';
import type { Access } from './access.ts';
import { admitKey } from './bearer.ts';
import { impersonated, impersonationHeaders } from './impersonation.ts';
import { identifyOperator, type OperatorAccessParts, type OperatorNeed, requireNeed } from './operator.ts';
import { readCredential } from './session-cookie.ts';

/** Scopes of a tenant's key that let it look at, or change, what its organization has. */
const scopesFor = { read: ['read', 'write', 'admin'], manage: ['admin'] } as const;

export type TenantNeed = keyof typeof scopesFor;

const errors = [
  'AMBIGUOUS_CREDENTIALS',
  'AUTHENTICATION_REQUIRED',
  'INSUFFICIENT_PERMISSIONS',
  'ORGANIZATION_SUSPENDED',
  'ORGANIZATION_NOT_FOUND',
] as const;

/** A key of the organization with a fitting scope, or an operator who impersonates it with `X-Flowplate-Org`. */
export function tenant(need: TenantNeed): Access<OperatorAccessParts, TenantPrincipal> {
  return {
    schemes: ['bearer', 'apiKey', 'session'],
    needs: `${describeScopes(need)}; or an operator with \`${impersonationHeaders.organization}\`.`,
    errors,
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const principal = await admitTenantOrOperator(parts, exchange, need, onKnown);
      if ('organizationId' in principal) return principal;
      throw validationError([
        { path: impersonationHeaders.organization, message: 'must say in which organization' },
      ]);
    },
  };
}

/** The same, and an operator who impersonates nobody but holds a permission of the platform's own. */
export function tenantOrOperator(
  need: TenantNeed,
  operatorNeed: OperatorNeed,
): Access<OperatorAccessParts, TenantPrincipal | OperatorPrincipal> {
  return {
    schemes: ['bearer', 'apiKey', 'session'],
    needs: `${describeScopes(need)}; or an operator: \`${operatorNeed}\`, or impersonation with \`${impersonationHeaders.organization}\`.`,
    errors,
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const principal = await admitTenantOrOperator(parts, exchange, need, onKnown);
      if (!('organizationId' in principal)) requireNeed(principal, operatorNeed);
      return principal;
    },
  };
}

/** A key of the organization itself and nobody in its place. */
export function tenantKey(need: TenantNeed): Access<OperatorAccessParts, TenantPrincipal> {
  return {
    schemes: ['bearer', 'apiKey'],
    needs: `${describeScopes(need)}; an operator cannot take its place.`,
    errors,
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const credential = readCredential(exchange);
      if (parseSecret(credential)?.kind === 'tenant') {
        return admitTenantKey(parts, credential, need, exchange, onKnown);
      }
      await identifyOperator(parts, credential, exchange, onKnown);
      throw new FlowplateError('INSUFFICIENT_PERMISSIONS', { systemMessage: 'This needs a tenant key' });
    },
  };
}

async function admitTenantOrOperator(
  parts: OperatorAccessParts,
  exchange: Exchange,
  need: TenantNeed,
  onKnown: (principal: Principal) => void,
): Promise<TenantPrincipal | OperatorPrincipal> {
  const credential = readCredential(exchange);
  if (parseSecret(credential)?.kind === 'tenant') {
    return admitTenantKey(parts, credential, need, exchange, onKnown);
  }
  const operator = await identifyOperator(parts, credential, exchange, onKnown);
  return (await impersonated(parts, operator, exchange)) ?? operator;
}

async function admitTenantKey(
  parts: OperatorAccessParts,
  credential: string,
  need: TenantNeed,
  exchange: Exchange,
  onKnown: (principal: Principal) => void,
): Promise<TenantPrincipal> {
  const {
    key_id: id,
    organization_id: organizationId,
    scopes,
  } = await admitKey(parts, credential, 'tenant', exchange);
  const principal = { kind: 'tenant_key', id, name: id, organizationId, operator: null } as const;
  onKnown(principal);
  if (scopesFor[need].some((scope) => scopes.includes(scope))) return principal;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: `This key needs one of the scopes ${scopesFor[need].join(', ')}`,
    details: { required_scopes: scopesFor[need] },
  });
}

function describeScopes(need: TenantNeed): string {
  return `Needs a tenant key with the scope ${scopesFor[need].map((scope) => `\`${scope}\``).join(' or ')}`;
}
