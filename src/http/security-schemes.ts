/** Authentication schemes, as OpenAPI names and describes them. */
export const securitySchemes = {
  masterKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-flowplate-master-key',
    description:
      "A master key. `X-API-Key` works too, but not for forward auth, where it is the end client's key.",
  },
  masterKeyPassword: {
    type: 'http',
    scheme: 'basic',
    description:
      'A master key as the password, form-urlencoded (RFC 6749 §2.3.1); the user name is ignored. `client_secret` in the form does the same.',
  },
  masterKeyBearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A master key as a bearer token.',
  },
  clientCertificate: {
    type: 'mutualTLS',
    description:
      'A client certificate for which there is a certificate rule: a master key without a secret (`docs/tls.md`). Only where the server has TLS of its own.',
  },
  workloadToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A token of Kubernetes, GitHub or another issuer of the settings, for which there is a token rule: a master key without a secret (`docs/tls.md`). It may stand in `x-flowplate-master-key` too, as forward auth needs it.',
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: "A platform user's token, a platform key (`flplatform_…`), or a tenant key (`flkey_…`).",
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'The key of an API user (`flapi_…`), or a tenant key.',
  },
  reportSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'x-flowplate-signature',
    description: "A named reporter's HMAC over the time and the body (`docs/leaks.md`).",
  },
  scannerSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'Github-Public-Key-Signature',
    description:
      "A scanner's ECDSA signature over the body, under the key that `Github-Public-Key-Identifier` names.",
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-flowplate',
    description:
      "The portal's cookie with a platform user's token (named `flowplate` over http on localhost). Changes also need the CSRF header `X-Flowplate-Portal: 1`, sent by a page of the same origin.",
  },
} as const;

export type SecurityScheme = keyof typeof securitySchemes;

/**
 * `WWW-Authenticate` challenges by scheme (RFC 9110 §11.6.1). `Bearer` is RFC 6750, the rest is
 * ours.
 */
const challenges: Record<SecurityScheme, string | undefined> = {
  masterKey: 'FlowplateMasterKey realm="flowplate"',
  masterKeyPassword: 'Basic realm="flowplate", charset="UTF-8"',
  masterKeyBearer: 'Bearer realm="flowplate"',
  // Asked for in the handshake. HTTP has no challenge for it.
  clientCertificate: undefined,
  // Not every deployment has issuers, and a challenge would tell.
  workloadToken: undefined,
  bearer: 'Bearer realm="flowplate"',
  apiKey: 'FlowplateApiKey realm="flowplate"',
  reportSignature: 'FlowplateSignature realm="flowplate"',
  // Not every deployment knows the keys of a scanner, and a challenge would tell.
  scannerSignature: undefined,
  session: 'FlowplateSession realm="flowplate"',
};

/** For a login: every 401 needs a challenge (RFC 9110 §15.5.2). */
const loginChallenge = 'FlowplateLogin realm="flowplate"';

/** One challenge for each scheme of a route. */
export function challengesOf(schemes: readonly SecurityScheme[]): string[] {
  if (schemes.length === 0) return [loginChallenge];
  return schemes.map((scheme) => challenges[scheme]).filter((challenge) => challenge !== undefined);
}
