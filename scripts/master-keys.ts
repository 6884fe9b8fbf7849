import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ipRangeRule, isIpRange } from '../src/domain/ip-allowlist.ts';
import type { MasterKey } from '../src/domain/master-key.ts';
import { unsetMasterKeySettings } from '../src/domain/master-key-settings.ts';
import { type MintBounds, type MintQuota, mintPeriods } from '../src/domain/mint-bounds.ts';
import { numberRanges } from '../src/domain/number-ranges.ts';
import { type MasterKeyPermission, masterKeyPermissions } from '../src/domain/permission.ts';
import { readTime } from '../src/domain/read-time.ts';
import { type RevocationReason, revocationReasons } from '../src/domain/revocation-reason.ts';
import { toPropagation } from '../src/http/propagation.ts';
import { listMasterKeys } from '../src/stores/postgres/master-keys/master-keys.ts';
import { createMasterKey } from '../src/usecases/master-keys/create-master-key.ts';
import {
  createWorkloadRule,
  type WorkloadCredential,
} from '../src/usecases/master-keys/create-workload-rule.ts';
import { ensureFirstMasterKey } from '../src/usecases/master-keys/ensure-first-master-key.ts';
import type { CreatedMasterKey } from '../src/usecases/master-keys/issue-master-key.ts';
import { revokeMasterKey } from '../src/usecases/master-keys/revoke-master-key.ts';
import { rotateMasterKey } from '../src/usecases/master-keys/rotate-master-key.ts';
import { updateMasterKey } from '../src/usecases/master-keys/update-master-key.ts';
import { type Broker, runAdmin } from './admin/open-broker.ts';

const usage = `Usage: node scripts/master-keys.ts <command> [--json]

  create --name NAME [--permissions p,p] [--organizations o,o] [--environments e,e]
         [--ips cidr,cidr] [--expires-at TIME] [--secret-stdin]
         [--mint-quota N/minute|hour|day] [--living-keys-max N]
  create --name NAME --certificate NAME-IN-IT […]
  create --name NAME --token-issuer ISSUER --token-audience AUDIENCE --token-subject SUBJECT […]
  list
  bounds ID [--mint-quota …|none] [--living-keys-max N|none]   what is not named stays
  rotate ID [--overlap-seconds N]     the old one goes on for N seconds (default 86400)
  revoke ID [--reason-code CODE]
  ensure-first                        creates the first one unless there has ever been one

Permissions: ${masterKeyPermissions.join(', ')} (all unless named).
--certificate makes a certificate rule, without a secret: a SPIFFE id, or a subject as
"openssl x509 -noout -subject -nameopt RFC2253" prints it.
--token-… makes a token rule, without a secret; in SUBJECT a segment * between : and / stands for
any one segment.
CODE: ${revocationReasons.join(', ')}.
TIME is RFC 3339 with a time zone, or a day, which it ends with, in UTC.
It reads the server's own environment: DATABASE_URL, REDIS_URL, FLOWPLATE_PEPPERS.`;

const options = {
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  name: { type: 'string' },
  permissions: { type: 'string' },
  organizations: { type: 'string' },
  environments: { type: 'string' },
  ips: { type: 'string' },
  'expires-at': { type: 'string' },
  'secret-stdin': { type: 'boolean' },
  certificate: { type: 'string' },
  'token-issuer': { type: 'string' },
  'token-audience': { type: 'string' },
  'token-subject': { type: 'string' },
  'overlap-seconds': { type: 'string' },
  'mint-quota': { type: 'string' },
  'living-keys-max': { type: 'string' },
  'reason-code': { type: 'string' },
} as const;

type Values = ReturnType<typeof parse>['values'];
type Command = (broker: Broker, values: Values, id: string | undefined) => Promise<void>;

const commands: Record<string, Command> = {
  create: async (broker, values) => {
    const credential = toWorkload(values);
    if (credential !== undefined) return createRule(broker, values, credential);
    const secret = values['secret-stdin'] === true ? readFileSync(0, 'utf8').trim() : undefined;
    const request = { ...toRequest(values, broker.clock.now()), chosenSecret: secret };
    printCreated(await createMasterKey(broker, broker.origin, request), values);
  },
  list: async (broker, values) => {
    const masterKeys = await listMasterKeys(broker.db);
    if (values.json === true) return print(JSON.stringify(masterKeys.map(toJson)));
    console.table(masterKeys.map(toJson), [
      'id',
      'name',
      'prefix',
      'certificate',
      'token',
      'permissions',
      'expires_at',
      'revoked_at',
    ]);
  },
  bounds: async (broker, values, id) => {
    const changed = await updateMasterKey(broker, broker.origin, required(id, 'ID'), toBounds(values));
    const { mintQuota, livingKeysMax } = changed;
    if (values.json === true)
      print(JSON.stringify({ mint_quota: mintQuota, living_keys_max: livingKeysMax }));
    else print(`Changed the bounds of ${id}`);
  },
  rotate: async (broker, values, id) => {
    const overlapSeconds = toOverlapSeconds(values['overlap-seconds'] ?? '86400');
    const request = { masterKeyId: required(id, 'ID'), overlapSeconds };
    printCreated(await rotateMasterKey(broker, broker.origin, request), values);
  },
  revoke: async (broker, values, id) => {
    const reason = toReason(values['reason-code']);
    const propagation = await revokeMasterKey(broker, broker.origin, required(id, 'ID'), reason);
    const shown = toPropagation(propagation);
    print(values.json === true ? JSON.stringify(shown) : `Revoked ${id} (${shown.propagation})`);
  },
  'ensure-first': async (broker, values) => {
    const created = await ensureFirstMasterKey(broker, broker.firstMasterKey, broker.origin);
    if (created !== undefined) printCreated(created, values);
    else print(values.json === true ? '{"created":false}' : 'There is a master key already');
  },
};

await main();

async function main(): Promise<void> {
  try {
    const { values, positionals } = parse();
    const command = values.help === true ? undefined : commands[positionals[0] ?? ''];
    await runAdmin(command && ((broker) => command(broker, values, positionals[1])), usage);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}

/** Undefined for a master key with a secret. */
function toWorkload(values: Values): WorkloadCredential | undefined {
  const {
    certificate,
    'token-issuer': issuer,
    'token-audience': audience,
    'token-subject': subject,
  } = values;
  const isForTokens = [issuer, audience, subject].some((value) => value !== undefined);
  const chosen = [certificate !== undefined, isForTokens, values['secret-stdin'] === true];
  if (chosen.filter(Boolean).length > 1)
    throw new Error('--certificate, --token-… and --secret-stdin exclude each other');
  if (certificate !== undefined) return { certificate };
  if (!isForTokens) return undefined;
  const token = {
    issuer: required(issuer, '--token-issuer'),
    audience: required(audience, '--token-audience'),
    subject: required(subject, '--token-subject'),
  };
  return { token };
}

async function createRule(broker: Broker, values: Values, credential: WorkloadCredential): Promise<void> {
  const request = { ...toRequest(values, broker.clock.now()), ...credential };
  const { id, name } = await createWorkloadRule(broker, broker.origin, request);
  if (values.json === true) print(JSON.stringify({ created: true, master_key_id: id, ...credential }));
  else print(`Created a master key without a secret: ${name} (id: ${id})`);
}

function parse() {
  return parseArgs({ options, allowPositionals: true });
}

function toRequest(values: Values, now: Date) {
  return {
    name: required(values.name, '--name'),
    permissions: toPermissions(values.permissions),
    organizationIds: split(values.organizations),
    environments: split(values.environments),
    ipAllowlist: toRanges(values.ips),
    expiresAt: toEnd(values['expires-at'], now),
    settings: { ...unsetMasterKeySettings, ...toBounds(values) },
  };
}

/** Only those that are named; `none` is no bound. */
function toBounds({ 'mint-quota': quota, 'living-keys-max': living }: Values): Partial<MintBounds> {
  return {
    ...(quota !== undefined && { mintQuota: quota === 'none' ? null : toMintQuota(quota) }),
    ...(living !== undefined && {
      livingKeysMax:
        living === 'none' ? null : toNumberIn(numberRanges.mintBound, '--living-keys-max', living),
    }),
  };
}

function toMintQuota(text: string): MintQuota {
  const [limit = '', name, ...rest] = text.split('/');
  const period = mintPeriods.find((each) => each === name);
  if (period === undefined || rest.length > 0)
    throw new Error(`--mint-quota must be a limit and a period, such as 1000/day: ${mintPeriods.join(', ')}`);
  return { limit: toNumberIn(numberRanges.mintBound, '--mint-quota', limit), period };
}

function toEnd(text: string | undefined, now: Date): Date | null {
  if (text === undefined) return null;
  const { time, fault } = readTime(text, 'end');
  if (time === undefined) throw new Error(`--expires-at ${fault}`);
  if (time <= now) throw new Error('--expires-at must lie in the future');
  return time;
}

function toPermissions(text: string | undefined): MasterKeyPermission[] {
  const named = split(text) ?? [...masterKeyPermissions];
  const unknown = named.filter((name) => !masterKeyPermissions.some((permission) => permission === name));
  if (unknown.length > 0) throw new Error(`Unknown permissions: ${unknown.join(', ')}`);
  return named as MasterKeyPermission[];
}

function toReason(text: string | undefined): RevocationReason | undefined {
  const reason = revocationReasons.find((known) => known === text);
  if (text === undefined || reason !== undefined) return reason;
  throw new Error(`--reason-code must be one of ${revocationReasons.join(', ')}`);
}

function toRanges(text: string | undefined): string[] | null {
  const ranges = split(text);
  const unknown = ranges?.filter((range) => !isIpRange(range)) ?? [];
  if (unknown.length > 0) throw new Error(`--ips ${ipRangeRule}: ${unknown.join(', ')}`);
  return ranges;
}

function split(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(',').filter((entry) => entry !== '');
}

function required(value: string | undefined, what: string): string {
  if (value === undefined) throw new Error(`${what} is missing\n\n${usage}`);
  return value;
}

function toOverlapSeconds(text: string): number {
  return toNumberIn(numberRanges.overlapSeconds, '--overlap-seconds', text);
}

function toNumberIn({ min, max }: { min: number; max: number }, option: string, text: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new Error(`${option} must be a whole number from ${min} to ${max}`);
}

function printCreated({ masterKey, secret }: CreatedMasterKey, values: Values): void {
  if (values.json === true) {
    print(JSON.stringify({ created: true, master_key_id: masterKey.id, key: secret }));
    return;
  }
  print(`Created master key: ${masterKey.name} (id: ${masterKey.id})`);
  print(`Key: ${secret}`);
  print('Save this key — it will not be shown again.');
}

function toJson(masterKey: MasterKey) {
  return {
    id: masterKey.id,
    name: masterKey.name,
    prefix: masterKey.keyPrefix,
    certificate: masterKey.certificate,
    token: masterKey.token === null ? null : Object.values(masterKey.token).join(' '),
    permissions: masterKey.permissions.join(','),
    organization_ids: masterKey.organizationIds,
    environments: masterKey.environments,
    ip_allowlist: masterKey.ipAllowlist,
    expires_at: masterKey.expiresAt?.toISOString() ?? null,
    revoked_at: masterKey.revokedAt?.toISOString() ?? null,
    created_at: masterKey.createdAt.toISOString(),
  };
}

function print(line: string): void {
  console.log(line);
}
