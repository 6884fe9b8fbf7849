import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseDatabaseUrl } from './domain/database-url.ts';
import { type ForeignPatterns, foreignPatternsRule, parseForeignPatterns } from './domain/foreign-pattern.ts';
import { type GroupRoles, groupRolesRule, parseGroupRoles } from './domain/group-roles.ts';
import { ipRangeRule, isIpRange } from './domain/ip-allowlist.ts';
import { type Keyring, newPepper, pepperBytesMin } from './domain/key-digest.ts';
import { environmentSlugPattern } from './domain/key-format.ts';
import { type LeakReporters, leakActions, reporterSecretBytesMin } from './domain/leak-report.ts';
import { isLoopbackHost } from './domain/loopback.ts';
import { chosenSecretLengthMin } from './domain/master-key.ts';
import { InvalidRedisAddress, parseRedisAddress } from './domain/redis-address.ts';
import { secondFactorSettings } from './domain/second-factor.ts';
import { renewableDays } from './domain/user-key.ts';
import { parseWorkloadIssuers, type WorkloadIssuers, workloadIssuersRule } from './domain/workload-token.ts';
import { pemFile } from './pem-file.ts';
import { withSecretFiles } from './secret-files.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const address = z.string().min(1);
const fileName = z.string().min(1);

/** Linux takes no longer one (`sun_path`). */
const socketPathBytesMax = 107;

function isSocketPath(text: string): boolean {
  return isAbsolute(text) && !text.endsWith('/') && Buffer.byteLength(text) <= socketPathBytesMax;
}

const peppers = z
  .string()
  .transform((text) => text.split(',').map((entry) => entry.trim()))
  .transform((entries, context): Keyring => {
    const keyring = entries.map(toPepper);
    const [first, ...others] = keyring.filter((pepper) => pepper !== undefined);
    if (first === undefined || others.length + 1 !== entries.length) {
      context.addIssue({
        code: 'custom',
        message: `must be <id>:<base64url of at least ${pepperBytesMin} bytes>, several separated by commas`,
      });
      return z.NEVER;
    }
    if (new Set(keyring.map((pepper) => pepper?.id)).size !== keyring.length) {
      context.addIssue({ code: 'custom', message: 'has the same id twice' });
    }
    return [first, ...others];
  });

function toPepper(entry: string) {
  const [, id, encoded] = /^([A-Za-z0-9]{1,16}):([\w-]+)$/.exec(entry) ?? [];
  const secret = Buffer.from(encoded ?? '', 'base64url');
  return id === undefined || secret.length < pepperBytesMin ? undefined : newPepper(id, secret);
}

const leakReporters = z
  .string()
  .default('')
  .transform((text) => (text === '' ? [] : text.split(',').map((entry) => entry.trim())))
  .transform((entries, context): LeakReporters => {
    const reporters = new Map(entries.flatMap((entry) => toReporter(entry) ?? []));
    if (reporters.size !== entries.length) {
      const message = `must be <name>:<base64url of at least ${reporterSecretBytesMin} bytes>, several separated by commas, with different names`;
      context.addIssue({ code: 'custom', message });
    }
    return reporters;
  });

function toReporter(entry: string): [string, Buffer][] | undefined {
  const [, name, encoded] = /^([a-z0-9-]{1,32}):([\w-]+)$/.exec(entry) ?? [];
  const secret = Buffer.from(encoded ?? '', 'base64url');
  return name === undefined || secret.length < reporterSecretBytesMin ? undefined : [[name, secret]];
}

const redisUrl = z.string().superRefine((text, context) => {
  try {
    parseRedisAddress(text);
  } catch (error) {
    if (!(error instanceof InvalidRedisAddress)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

const positive = z.coerce.number().int().min(1);

const groupRoles = z.string().transform((text, context): GroupRoles => {
  const roles = parseGroupRoles(text);
  if (roles !== undefined) return roles;
  context.addIssue({ code: 'custom', message: groupRolesRule });
  return z.NEVER;
});

const databaseUrl = z.string().superRefine((text, context) => {
  const parsed = parseDatabaseUrl(text);
  if ('fault' in parsed) context.addIssue({ code: 'custom', message: parsed.fault });
});

/** An address that credentials may travel to: encrypted, or on this machine. */
const safeUrl = z
  .string()
  .refine(isSafeUrl, 'must be an https:// URL, or http:// on localhost, without user, query and fragment')
  .transform((text) => new URL(text));

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
  return isSafe && [username, password, search, hash].every((part) => part === '');
}

const workloadIssuers = z
  .string()
  .default('')
  .transform((text, context): WorkloadIssuers => {
    const issuers = text === '' ? new Map<string, URL>() : parseWorkloadIssuers(text, isSafeUrl);
    if (issuers !== undefined) return issuers;
    context.addIssue({ code: 'custom', message: workloadIssuersRule });
    return z.NEVER;
  });

const foreignPatterns = z
  .string()
  .default('')
  .transform((text, context): ForeignPatterns => {
    const patterns = parseForeignPatterns(text);
    if (patterns !== undefined) return patterns;
    context.addIssue({ code: 'custom', message: foreignPatternsRule });
    return z.NEVER;
  });

/** Sign-in with the company's OpenID Connect provider; off without an issuer. */
const oidcVariables = {
  PUBLIC_URL: safeUrl
    .refine(({ pathname }) => pathname === '/', 'must have no path')
    .optional()
    .describe(
      'The address at which browsers reach the portal, such as `https://keys.example.com`. Needed for sign-in with a provider: its redirect URI is this address and `/platform/sign-in/callback`.',
    ),
  OIDC_ISSUER: safeUrl
    .optional()
    .describe(
      "The issuer of the company's OpenID Connect provider, as its `/.well-known/openid-configuration` names it. Switches sign-in with it on; see `docs/sign-in.md`.",
    ),
  OIDC_CLIENT_ID: z.string().min(1).optional().describe('The id of this service at the provider.'),
  OIDC_CLIENT_SECRET: z
    .string()
    .min(1)
    .optional()
    .describe('The secret of this service at the provider. Without one it is a public client.'),
  OIDC_SCOPES: z
    .string()
    .regex(
      /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/,
      'must be words separated by single blanks',
    )
    .refine((text) => text.split(' ').includes('openid'), 'must contain openid')
    .default('openid profile email')
    .describe('What is asked of the provider. Some need a scope of their own for groups.'),
  OIDC_GROUPS_CLAIM: z
    .string()
    .min(1)
    .default('groups')
    .describe("The claim with the user's groups: a list, or the name of a single one."),
  OIDC_ROLES: groupRoles
    .optional()
    .describe(
      'The roles of each group: `<group>=<role id>[,<role id>]`, several groups separated by semicolons. Roles are set from it at every sign-in; without a group of the list nobody signs in.',
    ),
  PASSWORD_LOGIN: z
    .enum(['on', 'break-glass'])
    .default('on')
    .describe(
      'Who logs in with a password: every account that has one, or with `break-glass` only the accounts that a super-admin marked so. While no active super-admin is marked, every super-admin with a password counts as marked, so that nobody is locked out.',
    ),
};

/**
 * The standard variables of OpenTelemetry that are read here; its exporter reads the others of
 * `OTEL_EXPORTER_OTLP_*` itself. Other programs may share them: a value that means nothing here
 * keeps no process from starting, and is ignored, as the specification wants it.
 */
const openTelemetryVariables = {
  OTEL_TRACES_EXPORTER: z
    .string()
    .optional()
    .describe('`otlp` switches traces on, `none` off. Not set: on when there is an endpoint.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .optional()
    .describe(
      'Where traces are sent as OTLP over HTTP in JSON, such as `http://collector:4318`; `/v1/traces` is added. `http://localhost:4318` unless set.',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .string()
    .optional()
    .describe('The same with its path, used as it is, and before the other.'),
  OTEL_SERVICE_NAME: z
    .string()
    .optional()
    .describe('The name of the service in traces; `flowplate-api` or `flowplate-worker` unless set.'),
  OTEL_RESOURCE_ATTRIBUTES: z
    .string()
    .optional()
    .describe('Further facts of the process for its traces: `name=value`, several separated by commas.'),
  OTEL_TRACES_SAMPLER: z
    .string()
    .optional()
    .describe(
      'Which traces are recorded: `parentbased_always_on` unless set, `parentbased_traceidratio`, `parentbased_always_off`, `traceidratio`, `always_on`, `always_off`. With `parentbased_` a caller who traces decides.',
    ),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .optional()
    .describe('The share of traces that a `traceidratio` records, 0 to 1; 1 unless set.'),
  OTEL_SDK_DISABLED: z.string().optional().describe('`true` switches traces off, whatever else is set.'),
  OTEL_BSP_SCHEDULE_DELAY: positive
    .max(600_000)
    .default(5_000)
    .catch(5_000)
    .describe('How long finished spans wait for others before they are sent, in milliseconds.'),
  OTEL_BSP_MAX_QUEUE_SIZE: positive
    .max(1_000_000)
    .default(2_048)
    .catch(2_048)
    .describe('Finished spans that wait to be sent; beyond it they are dropped.'),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: positive
    .max(100_000)
    .default(512)
    .catch(512)
    .describe('Spans that are sent at once.'),
};

/**
 * All settings, each with its purpose, unit, range and the effect of a wrong value.
 * docs/configuration.md is generated from this.
 */
export const configSchema = z.object({
  DATABASE_URL: databaseUrl.describe(
    'Postgres 15 or newer, the only store that must not lose data. Several hosts, separated by commas, are tried in their order on each connect: `postgres://app@a:5432,b:5432/flowplate?target_session_attrs=read-write`, where `read-write` and `primary` pass over standbys. See `docs/engines.md`.',
  ),
  DATABASE_DIRECT_URL: databaseUrl
    .optional()
    .describe(
      'The same database without a pooler, for leases, notifications and migrations. Setting it tells that `DATABASE_URL` leads to a pooler that gives each transaction another session, such as PgBouncer with `pool_mode=transaction`: no statement is prepared there, and time-outs on the server are those of the role. See `docs/engines.md`.',
    ),
  REDIS_URL: redisUrl.describe(
    'Redis 7 or Valkey, for cached records, counters and pending usage. May be emptied at any time. One server: `redis://user:password@host:6379/0`; a Sentinel group: `redis+sentinel://user:password@s1:26379,s2:26379/<master name>`; a Cluster: `redis+cluster://user:password@n1:6379,n2:6379`. With `rediss` in place of `redis` over TLS. See `docs/engines.md`.',
  ),
  QUEUE_REDIS_URL: redisUrl
    .optional()
    .describe(
      'Redis for the job queue in the same forms, REDIS_URL unless set. It must run with `maxmemory-policy noeviction`; the other one may evict.',
    ),
  REDIS_CA_FILE: pemFile
    .optional()
    .describe(
      'A PEM file with the certificates of the authorities that the servers of both `rediss` URLs are trusted by, in place of those of Node.',
    ),
  REDIS_CERT_FILE: pemFile
    .optional()
    .describe('A PEM file with the client certificate for both, where they ask for one.'),
  REDIS_KEY_FILE: pemFile.optional().describe('A PEM file with the private key of that certificate.'),
  FLOWPLATE_PEPPERS: peppers.describe(
    'The keys of the digests under which secrets are stored: `<id>:<base64url of 32 bytes>`. Lose them and every key is lost. To rotate, put a new one in front and keep the old one until no row has its id.',
  ),
  FLOWPLATE_MASTER_KEY: z
    .string()
    .min(chosenSecretLengthMin)
    .optional()
    .describe(
      `The first master key, at least ${chosenSecretLengthMin} characters. Used only while there is none; afterwards it may be removed.`,
    ),
  FLOWPLATE_ENV: z
    .string()
    .regex(environmentSlugPattern, 'must be 1 to 16 of a-z 0-9')
    .default('prod')
    .describe("This deployment's environment, used for mints that name none."),
  STRICT_ORGANIZATIONS: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((text) => text === 'true')
    .describe(
      "Whether a mint needs an organization and an environment that exist already: `true` refuses others with 404. With `false` it creates them, and so does a typo. This deployment's own environment is created either way, in an organization that exists.",
    ),
  LEAK_ACTION: z
    .enum(leakActions)
    .default('quarantine')
    .describe(
      'What a report of a leaked key does. `quarantine`: a key of a user is refused at once, and revoked after an hour unless it is released; keys of tenants, of the platform and of API users are revoked; a master key is told of. `revoke`: every kind is revoked. `notify`: the audit event alone. See `docs/leaks.md`.',
    ),
  LEAK_REPORTERS: leakReporters.describe(
    `Named reporters of leaked keys and the secrets under which they sign: \`<name>:<base64url of at least ${reporterSecretBytesMin} bytes>\`, several separated by commas. A name has 1 to 32 of a-z 0-9 and \`-\`.`,
  ),
  LEAK_GITHUB_KEYS_URL: safeUrl
    .optional()
    .describe(
      'Where the public keys are with which GitHub signs reports of leaked keys: `https://api.github.com/meta/public_keys/secret_scanning`. Without this and the next one such reports are refused.',
    ),
  LEAK_GITHUB_KEYS_FILE: fileName
    .optional()
    .describe('A file with the same document, for a network that does not reach GitHub.'),
  SECOND_FACTOR: z
    .enum(secondFactorSettings, 'must be off, optional or required')
    .default('optional')
    .describe(
      'Second factors of platform users, TOTP or passkey. `optional`: who has set one up needs it to log in. `required`: a session that began with a password alone can set one up and nothing else. `off`: the password is enough, also for accounts that have one.',
    ),
  HOST: address.default('127.0.0.1').describe('The address to listen on; 0.0.0.0 inside a container.'),
  PORT: port.default(9123).describe('The API. 0 takes any free port.'),
  LISTEN_SOCKET: z
    .string()
    .refine(isSocketPath, 'must be an absolute path of at most 107 bytes')
    .optional()
    .describe(
      'A Unix domain socket on which the API listens too, with mode 0660, for a gateway on the same machine. It costs less than TCP. A socket file that a killed process left is replaced; that of a living one is not, and the process does not start. A connection over it has no address, and `X-Forwarded-For` gives it none: master keys with an address list are refused there, and all its callers share one place in the login throttle.',
    ),
  TLS_CERT_FILE: fileName
    .optional()
    .describe(
      "The API's certificate, a PEM file with the chain behind it. With it and `TLS_KEY_FILE` the API listens with TLS 1.2 or newer on `PORT`, and with nothing else there; `LISTEN_SOCKET` and the metrics stay without. The process does not start with a pair that is missing, does not belong together or has expired. SIGHUP reads it again for new connections. See `docs/tls.md`.",
    ),
  TLS_KEY_FILE: fileName.optional().describe('Its private key, a PEM file without a passphrase.'),
  TLS_CLIENT_CA_FILE: fileName
    .optional()
    .describe(
      'The CAs whose client certificates count, a PEM file of root certificates. Clients are asked for a certificate and need none. One of another CA counts as none.',
    ),
  WORKLOAD_ISSUERS: workloadIssuers.describe(
    'Issuers of workload tokens that count, each with the address of its public keys: `<issuer>=<URL of its JWKS>`, several separated by semicolons. Such as `https://token.actions.githubusercontent.com=https://token.actions.githubusercontent.com/.well-known/jwks`. Tokens also need a rule; see `docs/tls.md`.',
  ),
  FOREIGN_KEY_PATTERNS: foreignPatterns.describe(
    'Shapes of keys of other products that may be imported and verified: `<prefix>:<alphabet>:<length behind the prefix>`, several separated by commas, such as `acme_:base62:32,sk_live_:base64url:43`. Everything else is refused without a look-up. Alphabets: `digits`, `hex`, `uuid`, `base32`, `base62`, `base64url`, `base64`. The same on every API process and worker; see `docs/import.md`.',
  ),
  API_PROCESSES: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'API processes behind the one port, each a verifier with connections of its own. One for each core that is free for it.',
    ),
  UNSAFE_POSTGRES: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'What to do with a Postgres that may lose answered changes (`fsync` or `synchronous_commit` off) or is a standby: `refuse` does not start, and makes `/health/ready` 503. `allow` is for data that may be lost, as in tests.',
    ),
  JOURNAL_DIRECTORY: z
    .string()
    .refine(isAbsolute, 'must be an absolute path')
    .optional()
    .describe(
      'Directory of the revocation journal: what is revoked stands there before it is answered, so that a restored backup brings nothing back to life. It must outlast the machine of Postgres; several processes may share it. See `docs/backup.md`.',
    ),
  JOURNAL_BUCKET_URL: safeUrl
    .refine(({ pathname }) => pathname.length > 1, 'must name a bucket in its path')
    .optional()
    .describe(
      'Bucket of an S3-compatible object store for the revocation journal, as `https://s3.example.com/bucket` or with a path that all names in it begin with. Instead of `JOURNAL_DIRECTORY`, or beside it: then a change is answered when both have it. Needs the two settings of its access key.',
    ),
  JOURNAL_BUCKET_REGION: z.string().default('us-east-1').describe('Region of the bucket, for the signature.'),
  JOURNAL_BUCKET_ACCESS_KEY_ID: z.string().optional().describe('Id of the access key for the bucket.'),
  JOURNAL_BUCKET_SECRET_ACCESS_KEY: z
    .string()
    .optional()
    .describe(
      'Secret of the access key for the bucket. It lists, reads and writes objects, and deletes none.',
    ),
  FAST_LANE: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      "Answers plain requests to `GET /v1/flowplate/authz` and `POST /v1/flowplate/api-keys/verify` without Node's HTTP server, for less processor time. `off` leaves every request to Node's server, as tracing does; the answers are the same.",
    ),
  METRICS_PORT: port
    .default(9124)
    .describe(
      "The API's Prometheus metrics, on a port of their own so that the gateways' network need not reach them.",
    ),
  WORKER_METRICS_PORT: port.default(9125).describe("The worker's Prometheus metrics and health."),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((entry) => entry !== ''))
    .refine((ranges) => ranges.every(isIpRange), `each entry ${ipRangeRule}; several separated by commas`)
    .describe(
      'Trusted proxies, whose `X-Forwarded-For` is used, separated by commas. Ports, brackets and quotes in it are dropped; an invalid entry leaves the caller without an address. If the list is too wide, callers can forge the address that allow-lists and the login throttle see.',
    ),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Minimum level of log lines.'),
  LEASE_MS: z.coerce
    .number()
    .int()
    .min(3_000)
    .max(120_000)
    .default(15_000)
    .describe(
      'How long a verifier may answer from memory without reaching Postgres, in milliseconds. A longer lease survives longer outages, such as a failover (`FAILOVER_SECONDS_MAX`); with a shorter one a revoke waits less for an unreachable verifier. A verifier keeps the length that it registered with.',
    ),
  FAILOVER_SECONDS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .optional()
    .describe(
      'How long a failover of Postgres takes at most, in seconds; with Patroni `ttl` + `loop_wait` + 5. `flowplate doctor` compares it with `LEASE_MS`: a shorter lease ends before Postgres is back, and verification with it. Nothing else reads it.',
    ),
  MANAGEMENT_RATE_LIMIT: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_000)
    .describe(
      'Management requests per second of one credential in each API process, so that a runaway backend leaves room for the others. Requests of ten seconds may come at once. Verification and DELETE do not count.',
    ),
  VERIFIERS_PER_MASTER_KEY_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe(
      'Maximum embedded verifiers of one master key with a lease at the same time. Each revoke waits for all of them, so the number is bounded.',
    ),
  RECORDS_IN_MEMORY_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000_000)
    .default(200_000)
    .describe('Key records in the memory of one process, about 1 KB each; others come from Redis.'),
  CONTROL_CONNECTIONS_MAX: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(16)
    .describe('Postgres connections of one API process for mint, refresh, revoke and lists.'),
  VERIFY_CONNECTIONS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(8)
    .describe(
      'Postgres connections of one API process for records that are in no cache. At most 64 verifications wait for each; more are refused with 503.',
    ),
  DRAIN_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(1_000)
    .describe(
      'After SIGTERM, how long the API still answers while it reports not ready and asks clients to disconnect. At least the health-check interval of the load balancer.',
    ),
  USAGE_HOURS_DAYS: z.coerce
    .number()
    .int()
    .min(2)
    .max(3_650)
    .default(92)
    .describe('How long hourly usage is kept, in days; dropped by whole months.'),
  USAGE_DAYS_DAYS: z.coerce
    .number()
    .int()
    .min(32)
    .max(3_650)
    .default(730)
    .describe('How long daily usage is kept, in days; dropped by whole months.'),
  AUDIT_SYSLOG_URL: z
    .string()
    .refine(isSyslogUrl, 'must be syslog+tls://host:port, without a user, a path or a query')
    .transform((text) => new URL(text))
    .optional()
    .describe(
      'Receiver of the audit log: syslog (RFC 5424) over TLS, as `syslog+tls://siem.example.com:6514`. The worker sends each sealed event at least once and in order. See `docs/operations.md`.',
    ),
  AUDIT_SYSLOG_CA_FILE: pemFile
    .optional()
    .describe('A PEM file with the authorities that the receiver is trusted by, in place of those of Node.'),
  AUDIT_SYSLOG_CERT_FILE: pemFile
    .optional()
    .describe('A PEM file with the client certificate, where the receiver asks for one.'),
  AUDIT_SYSLOG_KEY_FILE: pemFile.optional().describe('A PEM file with the private key of that certificate.'),
  AUDIT_NDJSON_FILE: fileName
    .refine(isAbsolute, 'must be an absolute path')
    .optional()
    .describe(
      'A file to which the worker appends each sealed audit event as a line of JSON, at least once and in order. It may be renamed at any time; several workers need it on storage that they share.',
    ),
  ENDED_KEYS_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_650)
    .refine((days) => days === 0 || days > renewableDays, `must be 0, or more than ${renewableDays}`)
    .default(0)
    .describe(
      'How long user keys are kept after they were revoked or have expired, in days, with their usage. More than the 30 days in which an expired key can be renewed. 0 keeps them for ever.',
    ),
  KEY_STALE_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_650)
    .default(90)
    .describe(
      'A user key that was not accepted for so many days is told by the event `key.stale`, once until it is accepted again. 0 tells of none.',
    ),
  MASTER_KEY_UNUSED_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_650)
    .default(90)
    .describe(
      'A master key that was not used for so many days is told by the event `master_key.unused`, once until it is used again. 0 tells of none.',
    ),
  WEBHOOK_INTERNAL_RANGES: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((entry) => entry !== ''))
    .refine((ranges) => ranges.every(isIpRange), `each entry ${ipRangeRule}; several separated by commas`)
    .describe(
      'Networks of yours that webhooks may be sent to, also over `http`: addresses and CIDR ranges, separated by commas. All other addresses that are not public are refused. Addresses of cloud metadata services such as 169.254.169.254 are refused unless each is listed by itself. A range that is too wide lets operators reach services that nobody else can.',
    ),
  WEBHOOK_DELIVERIES_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_650)
    .default(7)
    .describe(
      'How long deliveries of webhooks and their dead letters are kept, in days after the last attempt. Their events stay in the audit log. A delivery takes about 300 bytes.',
    ),
  ...oidcVariables,
  ...openTelemetryVariables,
});

export type Config = Readonly<z.output<typeof configSchema>>;

/**
 * Reads and validates the environment, the only place that does. Throws an error that names every
 * missing or dangerous setting and never repeats a value. The process then exits.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const set = withSecretFiles(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  const result = configSchema.safeParse(set);
  if (result.success) {
    const missing = [
      ...missingForOidc(result.data),
      ...missingForTls(result.data),
      ...missingForRedisTls(result.data),
      ...missingForJournal(result.data),
      ...missingForAuditStreams(result.data),
      ...tooManyForLeaks(result.data),
    ];
    if (missing.length === 0) return Object.freeze(result.data);
    throw new Error(`Configuration: ${missing.join('; ')}`);
  }
  const faults = result.error.issues.map((issue) =>
    issue.code === 'invalid_type' && !(String(issue.path[0]) in set)
      ? `${issue.path.join('.')} is missing`
      : `${issue.path.join('.')} ${issue.message}`,
  );
  throw new Error(`Configuration: ${faults.join('; ')}`);
}

/**
 * The peppers as their file has them now; undefined where they are in no file. Throws like
 * `readConfig`.
 */
export function readPeppersAgain(env: NodeJS.ProcessEnv = process.env): Keyring | undefined {
  const { FLOWPLATE_PEPPERS_FILE: file = '' } = env;
  return file === '' ? undefined : readConfig(env).FLOWPLATE_PEPPERS;
}

/**
 * The URLs of Redis as their files have them now; undefined where neither is in a file. Throws like
 * `readConfig`.
 */
export function readRedisUrlsAgain(
  env: NodeJS.ProcessEnv = process.env,
): Pick<Config, 'REDIS_URL' | 'QUEUE_REDIS_URL'> | undefined {
  const { REDIS_URL_FILE: main = '', QUEUE_REDIS_URL_FILE: queue = '' } = env;
  return main === '' && queue === '' ? undefined : readConfig(env);
}

/** Half a set-up of the provider would keep people from signing in, so it stops the process. */
function missingForOidc(config: Config): string[] {
  if (config.OIDC_ISSUER === undefined) {
    return config.PASSWORD_LOGIN === 'break-glass' ? ['PASSWORD_LOGIN break-glass needs OIDC_ISSUER'] : [];
  }
  const needed = ['OIDC_CLIENT_ID', 'OIDC_ROLES', 'PUBLIC_URL'] as const;
  return needed
    .filter((name) => config[name] === undefined)
    .map((name) => `${name} is missing, which OIDC_ISSUER needs`);
}

/** A certificate that no connection uses would leave an operator who counts on TLS without it. */
function missingForRedisTls(config: Config): string[] {
  const { REDIS_URL, QUEUE_REDIS_URL, REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE } = config;
  const urls = [REDIS_URL, QUEUE_REDIS_URL].filter((url) => url !== undefined);
  const given = Object.entries({ REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE });
  const isTls = urls.some((url) => parseRedisAddress(url).isTls);
  const unused = isTls ? [] : given.filter(([, pem]) => pem !== undefined);
  const faults = unused.map(([name]) => `${name} is set, and neither Redis URL is rediss`);
  if ((REDIS_CERT_FILE === undefined) === (REDIS_KEY_FILE === undefined)) return faults;
  return [...faults, 'REDIS_CERT_FILE and REDIS_KEY_FILE need each other'];
}

/** A journal that cannot be written would be noticed only with the first change. */
function missingForJournal(config: Config): string[] {
  if (config.JOURNAL_BUCKET_URL === undefined) return [];
  const needed = ['JOURNAL_BUCKET_ACCESS_KEY_ID', 'JOURNAL_BUCKET_SECRET_ACCESS_KEY'] as const;
  return needed
    .filter((name) => config[name] === undefined)
    .map((name) => `${name} is missing, which JOURNAL_BUCKET_URL needs`);
}

function isSyslogUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'syslog+tls:' || url.hostname === '') return false;
  return (
    [url.username, url.password, url.search, url.hash].every((part) => part === '') &&
    url.pathname.length <= 1
  );
}

/** A certificate that no connection uses would leave an operator who counts on TLS without it. */
function missingForAuditStreams(config: Config): string[] {
  const {
    AUDIT_SYSLOG_URL: url,
    AUDIT_SYSLOG_CA_FILE,
    AUDIT_SYSLOG_CERT_FILE,
    AUDIT_SYSLOG_KEY_FILE,
  } = config;
  const given = Object.entries({ AUDIT_SYSLOG_CA_FILE, AUDIT_SYSLOG_CERT_FILE, AUDIT_SYSLOG_KEY_FILE });
  const unused = url === undefined ? given.filter(([, pem]) => pem !== undefined) : [];
  const faults = unused.map(([name]) => `${name} is set, and AUDIT_SYSLOG_URL is missing`);
  if ((AUDIT_SYSLOG_CERT_FILE === undefined) === (AUDIT_SYSLOG_KEY_FILE === undefined)) return faults;
  return [...faults, 'AUDIT_SYSLOG_CERT_FILE and AUDIT_SYSLOG_KEY_FILE need each other'];
}

function tooManyForLeaks({ LEAK_GITHUB_KEYS_URL: url, LEAK_GITHUB_KEYS_FILE: file }: Config): string[] {
  return url && file ? ['LEAK_GITHUB_KEYS_URL and LEAK_GITHUB_KEYS_FILE are both set'] : [];
}

/** Half a pair would listen without TLS, so it stops the process. */
function missingForTls(config: Config): string[] {
  const { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key, TLS_CLIENT_CA_FILE: clientCas } = config;
  const missing: string[] = [];
  if (certificate === undefined && key !== undefined)
    missing.push('TLS_CERT_FILE is missing, which TLS_KEY_FILE needs');
  if (key === undefined && certificate !== undefined)
    missing.push('TLS_KEY_FILE is missing, which TLS_CERT_FILE needs');
  if (clientCas !== undefined && certificate === undefined)
    missing.push('TLS_CERT_FILE is missing, which TLS_CLIENT_CA_FILE needs');
  return missing;
}

/** For entry points: prints why the process cannot start, in one line, and exits. */
export function readConfigOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    process.stderr.write(`${JSON.stringify({ level: 'fatal', msg: (error as Error).message })}\n`);
    process.exit(1);
  }
}
