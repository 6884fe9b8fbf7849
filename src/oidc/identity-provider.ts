import type * as OpenIdClient from 'openid-client';
import { emailLengthMax, emailPattern } from '../domain/email.ts';
import { groupsOfClaim } from '../domain/group-roles.ts';
import { isPlainName } from '../domain/plain-name.ts';
import { toProviderFault } from './provider-fault.ts';

export type ProviderSettings = {
  issuer: URL;
  clientId: string;
  clientSecret: string | undefined;
  scopes: string;
  groupsClaim: string;
  redirectUri: URL;
};

/** Values that one sign-in is bound to; each is made for it alone. */
export type SignInChecks = { state: string; nonce: string; codeVerifier: string };

export type SignInOptions = {
  /** Whether the provider must ask for its credentials anew, for step-up. */
  isFresh?: boolean;
};

/** A person as the provider vouches for them. */
export type Identity = {
  issuer: string;
  subject: string;
  /** Undefined unless the provider says that it has verified it. */
  email: string | undefined;
  name: string | undefined;
  groups: string[];
  /** When the provider last asked for credentials. Undefined unless it says so. */
  authenticatedAt: Date | undefined;
};

/** Metadata of the provider is read again after this time; an old one serves while that fails. */
const metadataLifeMs = 3_600_000;
/** Pause after a failed read, so that a flood of sign-ins does not reach the provider. */
const metadataRetryMs = 2_000;
const requestSeconds = 5;
const clockToleranceSeconds = 30;

/**
 * OpenID Connect relying party: authorization code flow with PKCE (S256), state and nonce. Metadata
 * is read at the first sign-in, so that the service starts without the provider. openid-client is
 * loaded then too. Every method throws a `ProviderFault`.
 */
export class IdentityProvider {
  readonly #settings: ProviderSettings;
  readonly #nowMs: () => number;
  #known: { client: Client; atMs: number } | undefined;
  #reading: Promise<Client> | undefined;
  #failed: { error: unknown; atMs: number } | undefined;

  constructor(settings: ProviderSettings, nowMs: () => number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  /** The address that a browser is sent to. */
  async authorizationUrl(checks: SignInChecks, { isFresh = false }: SignInOptions = {}): Promise<URL> {
    try {
      const { oidc, configuration } = await this.#client();
      return oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: this.#settings.redirectUri.href,
        scope: this.#settings.scopes,
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(checks.codeVerifier),
        code_challenge_method: 'S256',
        ...(isFresh && { prompt: 'login', max_age: '0' }),
      });
    } catch (error) {
      throw toProviderFault(error);
    }
  }

  /**
   * The person behind a callback. Checks `state`, `iss` (RFC 9207), the PKCE binding of the code,
   * and of the ID token signature, issuer, audience, nonce and times.
   */
  async identify(answer: URLSearchParams, checks: SignInChecks): Promise<Identity> {
    try {
      const client = await this.#client();
      const callback = new URL(this.#settings.redirectUri);
      callback.search = answer.toString();
      const tokens = await client.oidc.authorizationCodeGrant(client.configuration, callback, {
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        pkceCodeVerifier: checks.codeVerifier,
        idTokenExpected: true,
      });
      const vouched = tokens.claims();
      if (vouched === undefined) throw new Error('there is no ID token');
      return this.#toIdentity(vouched, await this.#withUserInfo(client, vouched, tokens.access_token));
    } catch (error) {
      throw toProviderFault(error);
    }
  }

  /** Some providers name groups and e-mail address at the userinfo endpoint alone. */
  async #withUserInfo(
    { oidc, configuration }: Client,
    vouched: OpenIdClient.IDToken,
    accessToken: string,
  ): Promise<Record<string, unknown>> {
    const isComplete = this.#settings.groupsClaim in vouched && 'email' in vouched;
    if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return vouched;
    const more = await oidc.fetchUserInfo(configuration, accessToken, vouched.sub);
    // The e-mail address and the word about it come from one place.
    const email = 'email' in vouched ? vouched : more;
    return { ...more, ...vouched, email: email.email, email_verified: email.email_verified };
  }

  #toIdentity(vouched: OpenIdClient.IDToken, claims: Record<string, unknown>): Identity {
    return {
      issuer: vouched.iss,
      subject: vouched.sub,
      email: verifiedEmail(claims),
      name: plainName(claims.name) ?? plainName(claims.preferred_username),
      groups: groupsOfClaim(claims[this.#settings.groupsClaim]),
      authenticatedAt: vouched.auth_time === undefined ? undefined : new Date(vouched.auth_time * 1_000),
    };
  }

  /** Whether its metadata can be read now, or was within the last hour. */
  async isReachable(): Promise<boolean> {
    return this.#client().then(
      () => this.#failed === undefined,
      () => false,
    );
  }

  async #client(): Promise<Client> {
    const nowMs = this.#nowMs();
    if (this.#known !== undefined && nowMs - this.#known.atMs < metadataLifeMs) return this.#known.client;
    if (this.#failed !== undefined && nowMs - this.#failed.atMs < metadataRetryMs) {
      if (this.#known !== undefined) return this.#known.client;
      throw this.#failed.error;
    }
    this.#reading ??= this.#discover().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #discover(): Promise<Client> {
    try {
      const client = await discover(this.#settings);
      this.#known = { client, atMs: this.#nowMs() };
      this.#failed = undefined;
      return client;
    } catch (error) {
      this.#failed = { error, atMs: this.#nowMs() };
      if (this.#known !== undefined) return this.#known.client;
      throw error;
    }
  }
}

type Client = { oidc: typeof OpenIdClient; configuration: OpenIdClient.Configuration };

async function discover({ issuer, clientId, clientSecret }: ProviderSettings): Promise<Client> {
  // Not at start: most deployments have no provider, and it takes some 50 ms.
  const oidc = await import('openid-client');
  const configuration = await oidc.discovery(
    issuer,
    clientId,
    { [oidc.clockTolerance]: clockToleranceSeconds },
    clientSecret === undefined ? oidc.None() : secretOf(oidc, clientSecret),
    {
      timeout: requestSeconds,
      // The ID token comes over TLS from the token endpoint. Its signature is checked all the same.
      execute: [
        oidc.enableNonRepudiationChecks,
        // The setting allows http on this machine only.
        ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
      ],
    },
  );
  return { oidc, configuration };
}

/** HTTP Basic, the default of RFC 8414; in the body where a provider takes only that. */
function secretOf(oidc: typeof OpenIdClient, secret: string): OpenIdClient.ClientAuth {
  const [basic, post] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authenticate = methods.includes('client_secret_basic') ? basic : post;
    authenticate(server, client, body, headers);
  };
}

function verifiedEmail({ email, email_verified }: Record<string, unknown>): string | undefined {
  if (email_verified !== true || typeof email !== 'string') return undefined;
  const isUsable = email.length <= emailLengthMax && emailPattern.test(email) && email.isWellFormed();
  return isUsable ? email : undefined;
}

const nameLengthMax = 200;

function plainName(claim: unknown): string | undefined {
  if (typeof claim !== 'string') return undefined;
  const name = claim.trim().slice(0, nameLengthMax);
  return name !== '' && isPlainName(name) ? name : undefined;
}
