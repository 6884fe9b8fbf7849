import { FlowplateError, validationError } from '../../domain/errors.ts';
import { parseSecret } from '../../domain/key-format.ts';
import type { OrganizationPrincipal, PlatformPrincipal, Principal } from '../../domain/principal.ts';
import type { HttpExchange } from '../exchange.ts';
import type { Access } from './access.ts';
import { admitKey } from './bearer.ts';
import { impersonated, impersonationHeaders } from './impersonation.ts';
import {
  identifyPlatformCaller,
  type PlatformAccessParts,
  type PlatformNeed,
  requireNeed,
} from './platform-caller.ts';
import { readCredential } from './session-cookie.ts';

/** Scopes of a tenant key that allow reads, or changes, inside its organization. */
const scopesFor = { read: ['read', 'write', 'admin'], manage: ['admin'] } as const;

export type OrganizationNeed = keyof typeof scopesFor;

const errors = [
  'AMBIGUOUS_CREDENTIALS',
  'AUTHENTICATION_REQUIRED',
  'INSUFFICIENT_PERMISSIONS',
  'SECOND_FACTOR_MISSING',
  'ORGANIZATION_SUSPENDED',
  'ORGANIZATION_NOT_FOUND',
] as const;

/**
 * Access rule: key of the organization with a matching scope, or an operator who impersonates it
 * with `X-Flowplate-Org`.
 */
export function organizationCaller(
  need: OrganizationNeed,
): Access<PlatformAccessParts, OrganizationPrincipal> {
  return {
    schemes: ['bearer', 'apiKey', 'session'],
    needs: `${describeScopes(need)}; or an operator with \`${impersonationHeaders.organization}\`.`,
    errors,
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const principal = await admitOrganizationOrPlatformCaller(parts, exchange, need, onKnown);
      if ('organizationId' in principal) return principal;
      throw validationError([
        { path: impersonationHeaders.organization, message: 'must say in which organization' },
      ]);
    },
  };
}

/** Like `organizationCaller`, and an operator with a platform permission, without impersonation. */
export function organizationOrPlatformCaller(
  need: OrganizationNeed,
  platformNeed: PlatformNeed,
): Access<PlatformAccessParts, OrganizationPrincipal | PlatformPrincipal> {
  return {
    schemes: ['bearer', 'apiKey', 'session'],
    needs: `${describeScopes(need)}; or an operator: \`${platformNeed}\`, or impersonation with \`${impersonationHeaders.organization}\`.`,
    errors,
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const principal = await admitOrganizationOrPlatformCaller(parts, exchange, need, onKnown);
      if (!('organizationId' in principal)) requireNeed(principal, platformNeed);
      return principal;
    },
  };
}

/** Access rule: key of the organization itself, without impersonation. */
export function tenantKey(need: OrganizationNeed): Access<PlatformAccessParts, OrganizationPrincipal> {
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
      await identifyPlatformCaller(parts, credential, exchange, onKnown);
      throw new FlowplateError('INSUFFICIENT_PERMISSIONS', { systemMessage: 'This needs a tenant key' });
    },
  };
}

async function admitOrganizationOrPlatformCaller(
  parts: PlatformAccessParts,
  exchange: HttpExchange,
  need: OrganizationNeed,
  onKnown: (principal: Principal) => void,
): Promise<OrganizationPrincipal | PlatformPrincipal> {
  const credential = readCredential(exchange);
  if (parseSecret(credential)?.kind === 'tenant') {
    return admitTenantKey(parts, credential, need, exchange, onKnown);
  }
  const operator = await identifyPlatformCaller(parts, credential, exchange, onKnown);
  return (await impersonated(parts, operator, exchange)) ?? operator;
}

async function admitTenantKey(
  parts: PlatformAccessParts,
  credential: string,
  need: OrganizationNeed,
  exchange: HttpExchange,
  onKnown: (principal: Principal) => void,
): Promise<OrganizationPrincipal> {
  const {
    key_id: id,
    organization_id: organizationId,
    scopes,
  } = await admitKey(parts, credential, 'tenant', exchange);
  const principal = { kind: 'tenant_key', id, name: id, organizationId, impersonator: null } as const;
  onKnown(principal);
  if (scopesFor[need].some((scope) => scopes.includes(scope))) return principal;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: `This key needs one of the scopes ${scopesFor[need].join(', ')}`,
    details: { required_scopes: scopesFor[need] },
  });
}

function describeScopes(need: OrganizationNeed): string {
  return `Needs a tenant key with the scope ${scopesFor[need].map((scope) => `\`${scope}\``).join(' or ')}`;
}
