import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { auditLedger, fillLedger, Ledger } from '../faults/ledger.ts';
import { startVerifyingLoad } from '../faults/verifying-load.ts';
import { endAll } from '../support/at-end.ts';
import { attempt } from '../support/attempt.ts';
import { deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { type OwnPostgres, ordinaryRole, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { runScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { type PgBouncer, type PoolMode, startPgBouncer } from './pgbouncer.ts';

let postgres: OwnPostgres;
let redisUrl: string;
const poolers = {} as { session: PgBouncer; transaction: PgBouncer };

beforeAll(async () => {
  const [own, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  postgres = own;
  redisUrl = redis.current().url;
  // As the page on engines says.
  for (const setting of [
    "statement_timeout = '10s'",
    "lock_timeout = '5s'",
    "idle_in_transaction_session_timeout = '5s'",
  ]) {
    await query(postgres.adminUrl, `ALTER ROLE ${ordinaryRole} SET ${setting}`);
  }
  const { databaseUrl } = postgres;
  const [session, transaction] = await Promise.all([
    startPgBouncer(databaseUrl, 'session'),
    startPgBouncer(databaseUrl, 'transaction'),
  ]);
  Object.assign(poolers, { session, transaction });
});

afterAll(endAll);

/** The page's settings for each mode. */
const settingsOf = {
  session: () => ({}),
  transaction: () => ({ DATABASE_DIRECT_URL: postgres.databaseUrl }),
};

/** All deployments here are the same one, started with other settings. */
const secrets = {
  FLOWPLATE_MASTER_KEY: newSecret('master', 'test', randomBytes),
  FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
};

function deployBehind(mode: PoolMode, env: Record<string, string> = settingsOf[mode]()) {
  return deploy({ databaseUrl: poolers[mode].url, redisUrl }, { LEASE_MS: '10000', ...secrets, ...env });
}

const lines = 60;
const modes: readonly PoolMode[] = ['session', 'transaction'];

describe.each(modes)('behind PgBouncer with pool_mode=%s', (mode) => {
  test('changes, verifications and counts work as without it, and revokes are complete', async () => {
    const deployment = deployBehind(mode);
    const [api, worker] = [await deployment.startApi(), await deployment.startWorker()];
    const keys = keyCalls(api.call);
    const counted = await keys.mint();
    const load = startVerifyingLoad(api.call, [{ key: counted.key, code: 'VALID' }]);
    const ledger = new Ledger();
    await fillLedger(ledger, () => api.call, lines);
    const { calls, wrong } = await load.stop();
    expect(wrong).toEqual([]);
    expect(await auditLedger(ledger, api.call)).toEqual([]);
    // A busy machine may miss the time limit of a change.
    expect(ledger.interrupted).toBeLessThan(lines / 10);
    const revoked = await keys.revoke((await keys.mint()).userId);
    expect(revoked).toMatchObject({ propagation: 'complete' });
    const usage = async () => (await keys.show(counted.keyId)).usage.total_requests;
    await eventually(30_000, usage, (count) => count === calls);
    await end([api, worker]);
  });

  test('its end by kill -9 costs no verdict, and what was acknowledged is there', async () => {
    const deployment = deployBehind(mode);
    const api = await deployment.startApi();
    const known = await keyCalls(api.call).mint();
    expect(await keyCalls(api.call).codeOf(known.key)).toBe('VALID');
    const load = startVerifyingLoad(api.call, [{ key: known.key, code: 'VALID' }]);
    const ledger = new Ledger();
    const filling = fillLedger(ledger, () => api.call, lines);
    await eventually(
      10_000,
      () => ledger.acknowledged,
      (count) => count > 20,
    );
    await poolers[mode].kill();
    const minted = () => attempt(() => api.call('POST /v1/flowplate/api-keys', { body: mintOf('refused') }));
    expect(await minted()).toBe('unknown');
    await poolers[mode].restart();
    await filling;
    const { wrong } = await load.stop();
    expect(wrong).toEqual([]);
    expect(await auditLedger(ledger, api.call)).toEqual([]);
    await end([api]);
  });
});

const mintOf = (userId: string) => ({ user_id: userId, organization_id: 'acme' });

test('a transaction pooler that nobody told of costs refusals with 503, and never a 500 or a wrong verdict', async () => {
  // Time-outs of the role, as with every pooler: those of our sessions reach others here.
  const api = await deployBehind('transaction', {}).startApi();
  const seen = new Map<number, number>();
  const count = async (operation: string, body?: unknown) => {
    const { status, body: answer } = await api.call(operation, body === undefined ? {} : { body });
    seen.set(status, (seen.get(status) ?? 0) + 1);
    return answer;
  };
  const live = async (index: number) => {
    const { key, key_id: keyId } = await count('POST /v1/flowplate/api-keys', mintOf(`user-${index}`));
    if (key === undefined) return;
    const { code } = await count('POST /v1/flowplate/api-keys/verify', { key });
    expect(['VALID', undefined]).toContain(code);
    const { propagation } = await count(`DELETE /v1/flowplate/api-keys/${keyId}`);
    if (propagation !== 'complete') return;
    const { code: after } = await count('POST /v1/flowplate/api-keys/verify', { key });
    expect(['REVOKED', undefined]).toContain(after);
  };
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 12 }, (_, index) => live(round * 12 + index)));
  }
  expect([...seen.keys()].filter((status) => status >= 500)).toEqual([503]);
  await end([api]);
});

test('migrations go by the direct URL', async () => {
  const env = {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    DATABASE_DIRECT_URL: postgres.databaseUrl,
  };
  expect(await runScript('scripts/migrate.ts', { env })).toMatchObject({ code: 0, stderr: '' });
});

async function end(processes: readonly Pick<StartedApi, 'kill' | 'exited'>[]): Promise<void> {
  for (const process of processes) process.kill('SIGTERM');
  await Promise.all(processes.map(({ exited }) => exited));
}
