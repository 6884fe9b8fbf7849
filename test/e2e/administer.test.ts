import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { caller } from '../support/call.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { runScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';

let databaseUrl: string;
let deployment: Deployment;
/** Two, since a change must be seen by whichever is asked. */
let replicas: StartedApi[];

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl, redisUrl: redis.url });
  replicas = await Promise.all([deployment.startApi(), deployment.startApi()]);
});

afterAll(endAll);

const run = (script: string, ...args: string[]) =>
  runScript(`scripts/${script}.ts`, { env: deployment.env, args });

/** Answer of every replica to the same call with this credential. */
async function everywhere(operation: string, options: { as?: string; body?: unknown } = {}) {
  const answers = await Promise.all(replicas.map((replica) => replica.call(operation, options)));
  return answers.map(({ status, body }) => body.code ?? body.error?.code ?? status);
}

const list = 'GET /v1/flowplate/api-keys';
const verify = 'POST /v1/flowplate/api-keys/verify';

test('a master key is created, listed, rotated and revoked at the shell, and each replica knows at once', async () => {
  const created = await run(
    'master-keys',
    'create',
    '--name',
    'gateway',
    '--permissions',
    'keys:verify,keys:read',
  );
  expect(created.code).toBe(0);
  const [secret = ''] = /fl_master_test_\w+/.exec(created.stdout) ?? [];
  const [id = ''] = /flm_\w+/.exec(created.stdout) ?? [];
  expect(await everywhere(list, { as: secret })).toEqual([200, 200]);
  expect(await everywhere('DELETE /v1/flowplate/api-keys/user/nobody', { as: secret })).toEqual([
    'INSUFFICIENT_PERMISSIONS',
    'INSUFFICIENT_PERMISSIONS',
  ]);

  const listed = await run('master-keys', 'list', '--json');
  const shown = JSON.parse(listed.stdout).find((masterKey: { id: string }) => masterKey.id === id);
  expect(shown).toMatchObject({ name: 'gateway', permissions: 'keys:verify,keys:read', revoked_at: null });
  const table = await run('master-keys', 'list');
  expect(table.stdout).toContain(id);
  expect(listed.stdout + table.stdout).not.toContain(secret.slice(-38));

  const bounds = ['--mint-quota', '10/hour', '--living-keys-max', 'none', '--json'];
  expect(JSON.parse((await run('master-keys', 'bounds', id, ...bounds)).stdout)).toEqual({
    mint_quota: { limit: 10, period: 'hour' },
    living_keys_max: null,
  });

  const overlapping = JSON.parse((await run('master-keys', 'rotate', id, '--json')).stdout);
  expect(await everywhere(list, { as: secret })).toEqual([200, 200]);
  const args = ['rotate', overlapping.master_key_id, '--overlap-seconds', '0', '--json'];
  const successor = JSON.parse((await run('master-keys', ...args)).stdout);
  expect(await everywhere(list, { as: overlapping.key })).toEqual(Array(2).fill('AUTHENTICATION_REQUIRED'));
  expect(await everywhere(list, { as: successor.key })).toEqual([200, 200]);

  for (const revoked of [successor.master_key_id, id]) {
    expect((await run('master-keys', 'revoke', revoked)).code).toBe(0);
  }
  for (const as of [successor.key, secret]) {
    expect(await everywhere(list, { as })).toEqual(Array(2).fill('AUTHENTICATION_REQUIRED'));
  }
  const events = await query(
    databaseUrl,
    "SELECT event_type FROM audit_events WHERE actor_kind = 'shell' AND target_id = ANY($1) ORDER BY id",
    [[id, overlapping.master_key_id, successor.master_key_id]],
  );
  const verbs = events.map(({ event_type }) => event_type.replace('master_key.', ''));
  const made = ['created', 'created', 'created'];
  expect(verbs.sort()).toEqual([...made, 'revoked', 'revoked', 'rotated', 'rotated', 'updated']);
});

test('a master key that somebody chose is read from standard input; misuse exits with 2, a refusal with 1', async () => {
  const chosen = 'a phrase that only we know, and long enough';
  const env = deployment.env;
  const args = ['create', '--name', 'chosen', '--secret-stdin'];
  expect((await runScript('scripts/master-keys.ts', { env, args, input: `${chosen}\n` })).code).toBe(0);
  expect(await everywhere(list, { as: chosen })).toEqual([200, 200]);
  expect((await runScript('scripts/master-keys.ts', { env, args, input: 'too short\n' })).code).toBe(1);
  expect((await run('master-keys', 'revoke', 'flm_0000000000000000')).code).toBe(1);
  const ends = (text: string) => ['create', '--name', 'x', '--expires-at', text];
  const badTimes = ['2027-02-30', '2027-01-01junk', '2098-01-01T00:00:00', '2020-01-01', 'tomorrow'].map(
    ends,
  );
  for (const wrong of [[], ['unknown'], ['create'], ['revoke'], ['list', '--unknown'], ...badTimes]) {
    expect([wrong, (await run('master-keys', ...wrong)).code]).toEqual([wrong, 2]);
  }
  for (const ips of ['fe80::1%eth0', '10.0.0.0/08', '10.0.0.0/']) {
    const refused = await run('master-keys', 'create', '--name', 'x', '--ips', ips);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain(`--ips must be an IP address or a CIDR range`);
  }
});

test('a master key lasts to the end of a day in UTC, or to the end of the year 9999', async () => {
  for (const [text, end] of [
    ['2098-01-31', '2098-02-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999z', '9999-12-31T23:59:59.999Z'],
  ] as const) {
    const args = ['create', '--name', 'lasting', '--expires-at', text, '--json'];
    const env = { ...deployment.env, TZ: 'Asia/Tokyo' };
    const { master_key_id } = JSON.parse((await runScript('scripts/master-keys.ts', { env, args })).stdout);
    const listed = JSON.parse((await run('master-keys', 'list', '--json')).stdout);
    expect(listed.find(({ id }: { id: string }) => id === master_key_id).expires_at).toBe(end);
  }
});

test('the first master key is made once and printed once, or it is the one in the settings', async () => {
  const [printed, chosen] = [
    await cloneDatabase(inject('postgresUrl')),
    await cloneDatabase(inject('postgresUrl')),
  ];
  atEnd(() => Promise.all([printed.drop(), chosen.drop()]));
  const { FLOWPLATE_MASTER_KEY = '', ...rest } = deployment.env;
  const env = { ...rest, DATABASE_URL: printed.url };
  const ensure = () => runScript('scripts/master-keys.ts', { env, args: ['ensure-first', '--json'] });
  const made = JSON.parse((await ensure()).stdout);
  expect(made).toMatchObject({ created: true });
  expect(JSON.parse((await ensure()).stdout)).toEqual({ created: false });
  const api = await deployment.startApi({ env: { DATABASE_URL: printed.url } });
  expect((await caller(api.url, made.key)(list)).status).toBe(200);

  const settings = { DATABASE_URL: chosen.url, FLOWPLATE_MASTER_KEY };
  const other = await deployment.startApi({ env: settings });
  expect((await caller(other.url, FLOWPLATE_MASTER_KEY)(list)).status).toBe(200);
  expect((await caller(other.url, made.key)(list)).status).toBe(401);
});

test('the first tenant key is made once and printed once, and opens the tenant that came with it', async () => {
  const made = JSON.parse((await run('organizations', 'first-tenant-key', '--json')).stdout);
  expect(made).toMatchObject({ created: true, organization_id: expect.stringMatching(/^org_/) });
  const again = await run('organizations', 'first-tenant-key', '--json');
  expect(JSON.parse(again.stdout)).toEqual({ created: false });
  const lost = await run('organizations', 'first-tenant-key', '--again');
  const [another] = /flkey_\w+/.exec(lost.stdout) ?? [];
  for (const secret of [made.key, another]) {
    const headers = { authorization: `Bearer ${secret}` };
    for (const { url } of replicas) {
      const listed = await fetch(`${url}/api/v1/environments`, { headers });
      expect(await listed.json()).toMatchObject({ data: [{ name: 'default' }] });
    }
  }
});

test('a suspended organization is refused by each replica at once, and accepted again once it is resumed', async () => {
  const [first] = replicas as [StartedApi];
  const { key } = await keyCalls(first.call).mint();
  const body = { user_id: 'somebody-new', organization_id: organization };
  expect(await everywhere(verify, { body: { key } })).toEqual(['VALID', 'VALID']);
  expect((await run('organizations', 'suspend', organization)).code).toBe(0);
  expect(await everywhere(verify, { body: { key } })).toEqual(Array(2).fill('ORGANIZATION_SUSPENDED'));
  expect(await everywhere('POST /v1/flowplate/api-keys', { body })).toEqual(
    Array(2).fill('ORGANIZATION_SUSPENDED'),
  );
  expect((await run('organizations', 'resume', organization)).code).toBe(0);
  expect(await everywhere(verify, { body: { key } })).toEqual(['VALID', 'VALID']);
  for (const nobody of ['nobody', '_platform']) {
    expect((await run('organizations', 'suspend', nobody)).code).toBe(1);
  }
  for (const wrong of [
    [],
    ['destroy', organization],
    ['suspend'],
    ['first-tenant-key', 'x'],
    ['--unknown'],
  ]) {
    expect([wrong, (await run('organizations', ...wrong)).code]).toEqual([wrong, 2]);
  }
});
