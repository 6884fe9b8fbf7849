/** The ways in which a caller says who it is, as OpenAPI names and describes them. */
export const securitySchemes = {
  masterKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-flowplate-master-key',
    description:
      "A master key. `X-API-Key` is accepted for it as well, but not by forward auth, where that is the end client's key.",
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
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-flowplate',
    description:
      "A platform user's token as the portal has it (`flowplate` over http on the machine itself). Changes need `X-Flowplate-Portal: 1` as well, sent by a page of the same origin.",
  },
} as const;

export type SecurityScheme = keyof typeof securitySchemes;
