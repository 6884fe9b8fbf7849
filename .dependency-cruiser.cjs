// Who may import whom: the seven rules of the architecture, as far as they can be said of one
// import. What has to be counted is checked by scripts/checks/cruise.ts, what only shows in the
// text (globals, SQL, Lua) by scripts/checks/room-words.ts.

// src/main.ts only chooses between its two halves: one API process, or the parent of several.
const entries = '^(src/(main|api|primary)|src/wire/[a-z-]+|src/local-verifier/main|workers/main)\\.ts$';
// What decides about a key, without any I/O: the server and the published SDK run the same code
// (docs/decisions/0011).
const deciding =
  '^src/(verify/(accepted-verdict|asked-scopes|decide|fingerprint-index|fingerprinter|key-memory|last-refusals|record-cache|row-counts|saved-uses|usage-recorder|verification-meter)|revocation/(refused-organizations|remembered-revisions|remembered-stops|verifier-memory)|concurrency/[a-z-]+)\\.ts$';
// How a request is read and answered, without stores and use cases: the API and the local verifier
// answer with the same code (docs/decisions/0029).
const answering =
  '^src/(http/(access/master-key|connection-limits|exchange|fields|problem|read-body|refusal-pace|request-context|request-head|request-target|security-headers|send-answer|send-whole|validate|verify/(lane-endpoints|proxy-answers|verdict-schemas))|fast-lane/[a-z-]+|metrics/(families|metrics-server)|process/[a-z-]+)\\.ts$';
// Loaded only where tracing is switched on (docs/decisions/0023).
const loadedForTracing = '^src/tracing/(open-telemetry|sampler|spans|telling-exporter)\\.ts$';
const package_ = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    // 1. http → usecases → stores → domain
    rule('1 http never imports stores', '^src/http/', '^src/stores/'),
    rule(
      '1 http imports usecases, verify, revocation and domain',
      '^src/http/',
      '^(workers|src/(cli|sdk|wire|process))/',
    ),
    rule(
      '1 usecases import stores, revocation and domain',
      '^src/usecases/',
      '^(workers|src/(http|verify|cli|sdk|wire|process))/',
    ),
    rule(
      '1 stores import domain',
      '^src/stores/',
      '^(workers|src/(http|usecases|verify|revocation|cli|sdk|wire|process))/',
    ),
    rule('1 domain imports nothing of ours', '^src/domain/', '^(src/(?!domain/)|workers/)'),
    rule('1 the fast lane imports domain', '^src/fast-lane/', '^(src/(?!fast-lane/|domain/)|workers/)'),
    rule('1 concurrency imports domain', '^src/concurrency/', '^(src/(?!concurrency/|domain/)|workers/)'),

    // 2. verify stands beside usecases; both rest on revocation
    rule(
      '2 verify imports stores, revocation and domain',
      '^src/verify/',
      '^(workers|src/(http|usecases|cli|sdk|wire|process))/',
    ),
    rule(
      '2 revocation imports stores and domain',
      '^src/revocation/',
      '^(workers|src/(http|usecases|verify|cli|sdk|wire|process))/',
    ),

    // 3. domain does no I/O (node:net is left out: isIP and BlockList are pure)
    rule(
      '3 domain does no I/O',
      '^src/domain/',
      `${package_('pg', 'kysely', 'ioredis', 'bullmq', 'express', 'pino')}|^(node:)?(fs|http|https|process|child_process|timers)(/|$)`,
    ),

    // 4. one room for each technology; the type of a client that is only handed on may be named
    //    anywhere
    {
      name: '4 express only in http',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/(http/|sdk/express)' },
      to: {
        path: package_('express', 'express-serve-static-core', 'helmet', 'pino-http', 'swagger-ui-dist'),
      },
    },
    {
      name: '4 Postgres only in stores/postgres',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/stores/postgres/' },
      to: {
        path: package_('pg', 'pg-[a-z-]+', 'kysely', 'node-pg-migrate'),
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: '4 Redis only in stores',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/stores/(redis/|queue\\.ts$)' },
      to: { path: package_('ioredis'), dependencyTypesNot: ['type-only'] },
    },

    {
      name: '4 OpenTelemetry only in what tracing loads',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: loadedForTracing },
      to: { path: '(^|/)node_modules/@opentelemetry/' },
    },
    {
      name: '4 OpenTelemetry is loaded where tracing is on',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: loadedForTracing },
      to: { path: loadedForTracing, dynamic: false },
    },
    rule(
      '4 tracing imports domain and concurrency',
      '^src/tracing/',
      '^(workers|src/(http|usecases|verify|revocation|stores|cli|sdk|wire|process))/',
    ),

    {
      name: '4 OpenID Connect only in oidc, and loaded at the first sign-in',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: {
        path: package_('openid-client', 'oauth4webapi'),
        dependencyTypesNot: ['type-only'],
        dynamic: false,
      },
    },
    {
      name: '4 OpenID Connect only in oidc',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/oidc/' },
      to: { path: package_('openid-client', 'oauth4webapi') },
    },
    rule(
      '4 oidc imports domain',
      '^src/oidc/',
      '^(workers|src/(http|usecases|verify|revocation|stores|cli|sdk|wire|process))/',
    ),

    {
      name: '4 outgoing events only in webhooks',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/webhooks/' },
      to: { path: package_('undici', 'standardwebhooks', 'ipaddr.js') },
    },
    rule('4 webhooks imports domain', '^src/webhooks/', '^(src/(?!webhooks/|domain/)|workers/)'),

    // 5. workers
    {
      name: '5 BullMQ only in workers and stores/queue.ts',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/stores/queue\\.ts$' },
      to: { path: package_('bullmq'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: '5 a job is an interval and one use case',
      severity: 'error',
      from: { path: '^workers/', pathNot: '^workers/main\\.ts$' },
      to: { path: '^src/(?!usecases/|wire/)' },
    },
    rule('5 nothing imports workers', '^src/', '^workers/'),

    // 6. configuration, log and wiring
    {
      name: '6 config, log and wire are values only for entries',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: entries },
      to: { path: '^src/((config|log)\\.ts$|wire/)', dependencyTypesNot: ['type-only'] },
    },

    // 7. the SDK and the command line stand apart
    // Types count here: the compiler would take whatever they name into the published package.
    {
      name: '7 sdk imports domain and the deciding code',
      severity: 'error',
      from: { path: '^src/sdk/' },
      to: { path: '^(src/(?!sdk/|domain/)|workers/)', pathNot: deciding },
    },
    {
      name: '7 the deciding code imports domain',
      severity: 'error',
      from: { path: deciding },
      to: { path: '^src/(?!domain/)', pathNot: deciding },
    },
    {
      name: '7 the sdk needs no package',
      severity: 'error',
      from: { path: '^src/sdk/' },
      to: { path: 'node_modules/', reachable: true },
    },
    rule('7 server rooms never import sdk', '^(src/(?!sdk/|cli/|local-verifier/)|workers/)', '^src/sdk/'),
    rule('7 the portal imports nothing of ours but itself', '^portal/', '^(src|workers|scripts|test|bench)/'),
    rule('7 nothing imports the portal', '^(src|workers)/', '^portal/'),
    rule('7 cli imports only sdk', '^src/cli/', '^(src/(?!cli/|sdk/)|workers/)'),

    // 8. the local verifier is an SDK program with the API's answers
    {
      name: '8 the local verifier imports sdk, domain, and the deciding and answering code',
      severity: 'error',
      from: { path: '^src/local-verifier/' },
      to: {
        path: '^(src/(?!local-verifier/|sdk/|domain/)|workers/)',
        pathNot: [deciding, answering, '^src/log\\.ts$'],
      },
    },
    rule(
      '8 nothing imports the local verifier',
      '^(src/(?!local-verifier/)|workers/)',
      '^src/local-verifier/',
    ),
    {
      name: '8 gRPC only in the local verifier',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/local-verifier/' },
      to: { path: package_('@grpc') },
    },

    // The container image has no development packages, and no file but ours.
    {
      name: 'the product uses no development package',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: '(^|/)node_modules/@types/',
      },
    },
    rule(
      'the product imports nothing of scripts, tests and benchmarks',
      '^(src|workers)/',
      '^(scripts|test|bench)/',
    ),
    { name: 'imports resolve', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no import goes round in a circle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Type imports count: "http never imports stores" is about knowing, not about running.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
  },
};

function rule(name, from, to) {
  return { name, severity: 'error', from: { path: from }, to: { path: to } };
}
