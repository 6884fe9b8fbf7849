import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { type Edit, editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { insisting } from '../support/insist.ts';
import { type KeyCalls, keyCalls, organization } from '../support/key-calls.ts';
import { type OwnPostgres, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';
import { withoutHistory } from '../support/without-history.ts';

/**
 * An attacker who may read all of Postgres, what runs in it, and a log of all statements with their
 * values.
 */
let postgres: OwnPostgres;
let deployment: Deployment;
let api: StartedApi;
let keys: KeyCalls;
let readerUrl: string;

beforeAll(async () => {
  const log = { log_statement: 'all', log_parameter_max_length: '-1', logging_collector: 'on' };
  const [own, redis] = await Promise.all([ownPostgres({ ...log, log_directory: 'log' }), ownRedis()]);
  postgres = own;
  const password = randomBytes(16).toString('hex');
  await query(postgres.adminUrl, `CREATE ROLE reader LOGIN PASSWORD '${password}'`);
  await query(postgres.adminUrl, 'GRANT pg_read_all_data, pg_monitor TO reader');
  const url = new URL(postgres.adminUrl);
  [url.username, url.password] = ['reader', password];
  readerUrl = url.href;
  deployment = deploy({ databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url });
  api = await deployment.startApi();
  keys = keyCalls(api.call);
});

afterAll(endAll);

async function reader(): Promise<Client> {
  const client = new Client({ connectionString: readerUrl });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

test('no statement that runs, and none in a log with all of its values, has a key or a master key in it', async () => {
  const client = await reader();
  const minted = await keys.mint();
  const idempotent = await api.call('POST /v1/flowplate/api-keys', {
    headers: { 'Idempotency-Key': randomUUID() },
    body: { user_id: `idempotent-${randomUUID()}`, organization_id: organization },
  });
  const refreshed = await keys.refresh(minted.userId);
  const secrets = [minted.key, idempotent.body.key, refreshed.new_key.key, deployment.masterKey] as string[];
  for (const key of secrets.slice(0, 3)) await keys.codeOf(key);
  const { rows } = await client.query<{ query: string }>('SELECT query FROM pg_stat_activity');
  const directory = join(postgres.directory, 'log');
  const logs = await Promise.all(
    (await readdir(directory)).map((file) => readFile(join(directory, file), 'utf8')),
  );
  const seen = [...rows.map((row) => row.query), ...logs].join('\n');
  expect(seen).toContain('INSERT INTO api_keys');
  expect(seen).toContain(minted.keyId);
  for (const secret of secrets) expect(seen).not.toContain(secret.slice(-30));
});

test.each([
  `UPDATE api_keys SET status = 'active'`,
  'SELECT id FROM api_keys FOR UPDATE',
  'SELECT id FROM organizations FOR KEY SHARE',
  'BEGIN; LOCK TABLE api_keys IN ROW SHARE MODE',
  `SELECT nextval('key_changes_seq_seq')`,
  `SELECT setval('key_changes_seq_seq', 1)`,
  `INSERT INTO key_changes (kind, subject_id, revision, status) VALUES ('key', 'x', 1, NULL)`,
  'SET ROLE flowplate',
  'SET ROLE flowplate_tenant',
  `SELECT hold_master_key('x') FROM api_keys FOR SHARE`,
  'CREATE TABLE public.mine (id int)',
])('a reader may not %s', async (text) => {
  const client = await reader();
  await expect(client.query(text)).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|22023)$/) });
});

test('a reader who holds every advisory lock holds changes up with 503, and no verification; they go on when it leaves', async () => {
  const [known, ended] = [await keys.mint(), await keys.mint()];
  await keys.revoke(ended.userId);
  const cold = await keys.mint();
  const client = await reader();
  const [locked] = (
    await client.query<{ id: string }>(`SELECT id FROM organizations WHERE id = '${organization}'`)
  ).rows;
  await client.query(
    'SELECT pg_advisory_lock(5201001), pg_advisory_lock(5201006), pg_advisory_lock(5202, hashtext($1))',
    [locked?.id],
  );
  await client.query('SELECT pg_advisory_lock(5202, hashtext(id)) FROM master_keys');
  const startedMs = performance.now();
  const body = { user_id: `late-${randomUUID()}`, organization_id: organization };
  const [mint, revoke] = await Promise.all([
    api.call('POST /v1/flowplate/api-keys', { body }),
    api.call(`DELETE /v1/flowplate/api-keys/${known.userId}/${organization}`),
  ]);
  expect([mint.status, revoke.status]).toEqual([503, 503]);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  for (const { key } of [known, cold]) expect(await keys.codeOf(key)).toBe('VALID');
  expect(await keys.codeOf(ended.key)).toBe('REVOKED');
  await client.query('SELECT pg_advisory_unlock_all()');
  expect(await keys.revoke(known.userId)).toMatchObject({ propagation: 'complete' });
  expect(await keys.codeOf(known.key)).toBe('REVOKED');
});

test('a flood of made-up notifications costs no verifier its lease, and no revoke its exactness', async () => {
  const client = await reader();
  const flooding = client.query(
    `SELECT count(pg_notify('key_changes', i || repeat('x', 7000))) FROM generate_series(1, 50000) i`,
  );
  // The commit of the flood holds Postgres's lock of notifications, so that a change may be a 503.
  const insistent = keyCalls(insisting(api.call));
  for (let round = 0; round < 10; round++) {
    const minted = await insistent.mint();
    expect(await keys.codeOf(minted.key)).toBe('VALID');
    expect(await insistent.revoke(minted.userId)).toMatchObject({ propagation: 'complete' });
    expect(await keys.codeOf(minted.key)).toBe('REVOKED');
  }
  await flooding;
  const lease = async () => (await api.call('GET /health/ready')).body.checks.lease;
  expect(await eventually(10_000, lease, (state) => state === 'held')).toBe('held');
  const minted = await keys.mint();
  expect(await keys.revoke(minted.userId)).toMatchObject({ propagation: 'complete' });
}, 60_000);

describe('notifications that name a change that never was, or skip one,', () => {
  const believing: Edit[] = [
    // Else it would take the feed, which ends before what it believes, for one that went back.
    ...withoutHistory,
    {
      file: 'src/revocation/lease.ts',
      from: 'this.#isBehind = true;',
      to: 'if (Number.isFinite(seq)) this.#appliedSeq = seq;',
    },
  ];

  async function feedEnd(client: Client): Promise<number> {
    const { rows } = await client.query<{ seq: string }>('SELECT max(seq) AS seq FROM key_changes');
    return Number(rows[0]?.seq ?? 0);
  }

  function forged(end: number, id: string): string[] {
    return [
      ...[`${end}:${end + 1}:key:${id}:99`, `${end}:${end + 1_000_000}:key:${id}:99`],
      `${end + 1}:${end + 2}:organization:${organization}:99:active`,
      ...['-1', '1e9', '9'.repeat(400), '{}', ' 7'],
      ...[`${end + 1_000_000}`, `${end + 1}`],
    ];
  }

  /** Verdicts of this process on revoked keys, each after a revoke that was complete everywhere. */
  async function verdictsAfterRevokes({ call }: StartedApi): Promise<string[]> {
    const client = await reader();
    const there = keyCalls(call);
    const verdicts: string[] = [];
    for (let round = 0; round < 5; round++) {
      const minted = await keys.mint();
      await eventually(
        10_000,
        () => there.codeOf(minted.key),
        (code) => code === 'VALID',
      );
      for (const payload of forged(await feedEnd(client), minted.keyId)) {
        await client.query(`SELECT pg_notify('key_changes', $1)`, [payload]);
      }
      await sleep(20);
      expect(await keys.revoke(minted.userId)).toMatchObject({ propagation: 'complete' });
      verdicts.push(await there.codeOf(minted.key));
    }
    return verdicts;
  }

  test('keep no process from a revoke', async () => {
    const other = await deployment.startApi();
    expect(new Set(await verdictsAfterRevokes(other))).toEqual(new Set(['REVOKED']));
  }, 60_000);

  test('control arm: a process that believes them accepts a revoked key', async () => {
    const other = await deployment.startApi({ source: await editSource(believing) });
    expect(await verdictsAfterRevokes(other)).toContain('VALID');
  }, 60_000);
});
