import { randomBytes } from 'node:crypto';
import type { Config } from '../config.ts';
import { callbackPath } from '../http/sessions/sign-in-pages.ts';
import { IdentityProvider } from '../oidc/identity-provider.ts';
import type { ProviderFault } from '../oidc/provider-fault.ts';
import type { CompanySignIn } from '../usecases/sessions/finish-provider-sign-in.ts';
import { isBreakGlassReady } from '../usecases/sessions/is-break-glass-ready.ts';
import type { ProcessParts } from './process-parts.ts';
import type { Stores } from './stores.ts';

/** Passwords, and the identity provider where there is one. It is asked at the first sign-in. */
export function wireSignIn({ config, log, metrics }: ProcessParts, { db }: Stores) {
  const company = companySignIn(config);
  return {
    publicUrl: config.PUBLIC_URL,
    passwordLogin: config.PASSWORD_LOGIN,
    companySignIn: company,
    randomBytes,
    isProviderReachable: async () => (company === undefined ? null : company.provider.isReachable()),
    isBreakGlassReady: () => isBreakGlassReady({ db }),
    onBreakGlass: (userId: string, address: string | undefined) =>
      log.warn({ user_id: userId, address }, 'break-glass log-in'),
    onProviderFault: (fault: ProviderFault) => {
      if (fault.kind === 'unavailable') metrics.dependencyFaults.inc({ dependency: 'identity provider' });
      log.warn(
        { err: fault, kind: fault.kind, provider_error: fault.code },
        'sign-in with the identity provider failed',
      );
    },
  };
}

function companySignIn(config: Config): (CompanySignIn & { publicUrl: URL }) | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_ROLES: groupRoles, PUBLIC_URL } = config;
  if (issuer === undefined || clientId === undefined || !groupRoles || !PUBLIC_URL) return undefined;
  const settings = {
    issuer,
    clientId,
    clientSecret: config.OIDC_CLIENT_SECRET,
    scopes: config.OIDC_SCOPES,
    groupsClaim: config.OIDC_GROUPS_CLAIM,
    redirectUri: new URL(callbackPath, PUBLIC_URL),
  };
  return { provider: new IdentityProvider(settings, Date.now), groupRoles, publicUrl: PUBLIC_URL };
}
