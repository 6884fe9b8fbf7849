import { FlowplateError } from '../../domain/errors.ts';
import { parseSecret } from '../../domain/key-format.ts';
import type { PlatformPermission } from '../../domain/permission.ts';
import {
  type PlatformPrincipal,
  type Principal,
  requirePlatformPermission,
  requireSuperAdmin,
} from '../../domain/principal.ts';
import type { HttpExchange } from '../exchange.ts';
import type { Access } from './access.ts';
import { admitKey, type KeyAccessParts } from './bearer.ts';
import {
  type ImpersonationParts,
  impersonated,
  impersonationHeaders,
  namesOrganization,
} from './impersonation.ts';
import { readCredential } from './session-cookie.ts';

export type PlatformAccessParts = KeyAccessParts &
  ImpersonationParts & {
    /**
     * The operator of a token with current roles and status; undefined when its session has ended.
     */
    identifySession(token: string): Promise<PlatformPrincipal | undefined>;
    /** The operator of a platform key that was just verified. */
    identifyPlatformKey(keyId: string): Promise<PlatformPrincipal | undefined>;
  };

/** Required right of an operator: a permission, the super-admin's role, or none. */
export type PlatformNeed = PlatformPermission | 'super-admin' | 'nothing';

/**
 * Behaviour of an operation that is called with `X-Flowplate-Org`. `confined`: it honours
 * `organizationIds` of its principal, and so neither shows nor changes another organization.
 * `own`: it concerns only the caller's own account, and is open to a session that still lacks its
 * second factor. `refused`, the default: it concerns the whole platform.
 */
export type InsideRule = 'refused' | 'confined' | 'own';

/**
 * Access rule: a platform user's token or a platform key in `Authorization: Bearer`, or the token
 * in the portal's cookie.
 */
export function platformCaller(
  need: PlatformNeed,
  inside: InsideRule = 'refused',
): Access<PlatformAccessParts, PlatformPrincipal> {
  return {
    schemes: ['bearer', 'session'],
    needs: `${describeNeed(need)}${insideTexts[inside]}`,
    errors: [
      'AMBIGUOUS_CREDENTIALS',
      'AUTHENTICATION_REQUIRED',
      'INSUFFICIENT_PERMISSIONS',
      'SECOND_FACTOR_MISSING',
      'ORGANIZATION_NOT_FOUND',
    ],
    areRefusalsAudited: true,
    async admit(parts, exchange, onKnown) {
      const principal = await identifyAnyCaller(parts, readCredential(exchange), exchange, onKnown);
      if (inside !== 'own') requireSecondFactor(principal);
      requireNeed(principal, need);
      if (inside === 'refused' && namesOrganization(exchange)) throw refusedInside();
      // Every call with an impersonation header is audited, also on routes without a tenant.
      const entered = await impersonated(parts, principal, exchange);
      if (entered === undefined || inside === 'own') return principal;
      return { ...principal, organizationIds: [entered.organizationId] };
    },
  };
}

const insideTexts: Record<InsideRule, string> = {
  refused: ` Refused with \`${impersonationHeaders.organization}\`, because it concerns the whole platform.`,
  confined: ` With \`${impersonationHeaders.organization}\` confined to that organization.`,
  own: '',
};

function refusedInside(): FlowplateError {
  return new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: `This operation concerns the whole platform: call it without ${impersonationHeaders.organization}`,
    details: { refused_header: impersonationHeaders.organization },
  });
}

/**
 * The operator of a credential. `SECOND_FACTOR_MISSING` for a session that has to get its second
 * factor first.
 */
export async function identifyPlatformCaller(
  parts: PlatformAccessParts,
  credential: string,
  exchange: HttpExchange,
  onKnown: (principal: Principal) => void,
): Promise<PlatformPrincipal> {
  const principal = await identifyAnyCaller(parts, credential, exchange, onKnown);
  requireSecondFactor(principal);
  return principal;
}

function requireSecondFactor({ lacksSecondFactor }: PlatformPrincipal): void {
  if (lacksSecondFactor) throw new FlowplateError('SECOND_FACTOR_MISSING');
}

async function identifyAnyCaller(
  parts: PlatformAccessParts,
  credential: string,
  exchange: HttpExchange,
  onKnown: (principal: Principal) => void,
): Promise<PlatformPrincipal> {
  const principal =
    parseSecret(credential) === undefined
      ? await parts.identifySession(credential)
      : await parts.identifyPlatformKey((await admitKey(parts, credential, 'platform', exchange)).key_id);
  if (principal === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
  onKnown(principal);
  return principal;
}

export function requireNeed(principal: PlatformPrincipal, need: PlatformNeed): void {
  if (need === 'super-admin') requireSuperAdmin(principal);
  else if (need !== 'nothing') requirePlatformPermission(principal, need);
}

function describeNeed(need: PlatformNeed): string {
  if (need === 'super-admin') return 'Needs the role `role_platform_admin`.';
  return need === 'nothing' ? 'Open to every operator.' : `Needs the permission \`${need}\`.`;
}
