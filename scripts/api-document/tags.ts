type Tag = { name: string; description: string };

/** Groups of operations by path; the first that matches counts. Order of the groups in the page. */
const groups: readonly [path: RegExp, tag: Tag][] = [
  [
    /^\/v1\/flowplate\/(api-keys\/verify|introspect|authz)\b/,
    { name: 'Verification', description: 'Verdicts on keys, for gateways. On every request.' },
  ],
  [
    /^\/v1\/flowplate\/verifiers\b/,
    { name: 'Embedded verifiers', description: 'The lease protocol of verifiers inside gateways.' },
  ],
  [
    /^\/v1\/flowplate\/|^\/api\/v1\/platform\/(hidden-keys|jobs)\b/,
    { name: 'User keys', description: 'Hidden keys of users in organizations: mint, refresh, revoke, list.' },
  ],
  [
    /^\/api\/v1\/platform\/master-keys\b/,
    { name: 'Master keys', description: 'Credentials of backends and gateways.' },
  ],
  [
    /^\/api\/v1\/apikeys\b/,
    { name: 'API keys', description: 'Keys of tenants (`flkey_`) and of the platform (`flplatform_`).' },
  ],
  [/^\/api\/v1\/(platform\/tenants|policy)\b/, { name: 'Organizations', description: 'Tenants.' }],
  [/^\/api\/v1\/environments\b/, { name: 'Environments', description: 'Environments of one organization.' }],
  [/^\/users\b/, { name: 'API users', description: 'Persons and programs with one key each (`flapi_`).' }],
  [
    /^\/api\/v1\/platform\/(auth|session|bootstrap)\b/,
    { name: 'Sessions', description: 'The first operator, log-in and log-out.' },
  ],
  [/^\/api\/v1\/platform\/users\b/, { name: 'Platform users', description: 'Operators.' }],
  [/^\/api\/v1\/platform\/roles\b/, { name: 'Roles', description: 'Named lists of permissions.' }],
  [
    /^\/api\/v1\/platform\/audit\b/,
    { name: 'Audit log', description: 'Who did what, and what was refused.' },
  ],
  [
    /^\/api\/v1\/platform\//,
    { name: 'Overview', description: 'Figures, traffic, verifiers and background jobs.' },
  ],
];

export const tags: readonly Tag[] = groups.map(([, tag]) => tag);

/** Name of the group of a path, in Express or OpenAPI syntax. */
export function tagOf(path: string): string {
  const [, tag] = groups.find(([pattern]) => pattern.test(path)) ?? [];
  if (tag === undefined) throw new Error(`no tag for ${path}`);
  return tag.name;
}
