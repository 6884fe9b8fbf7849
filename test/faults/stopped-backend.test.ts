import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { findHalfDone } from '../support/half-done.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { freezePostgres, type OwnPostgres, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';

/** Enough that some are under way when the stop comes, some milliseconds later. */
const mintsPerRound = 48;
const rounds = 6;

let postgres: OwnPostgres;
let api: StartedApi;

beforeAll(async () => {
  const [own, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  postgres = own;
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  api = await deploy(stores, { LEASE_MS: '3000' }).startApi();
});

afterAll(endAll);

/** SIGSTOP to the sessions that mints go through; the rest of the server goes on. */
async function stopMintingBackends(): Promise<() => void> {
  const rows = await query(
    postgres.adminUrl,
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'flowplate-control'`,
  );
  const signal = (name: NodeJS.Signals) => {
    for (const { pid } of rows) {
      try {
        process.kill(pid as number, name);
      } catch {
        // It ended by itself.
      }
    }
  };
  signal('SIGSTOP');
  const resume = () => signal('SIGCONT');
  atEnd(resume);
  return resume;
}

test.each<[string, () => Promise<() => void>]>([
  ['the sessions of its mints', stopMintingBackends],
  ['all of Postgres', () => freezePostgres(postgres)],
])(
  'with %s stopped at any moment of a mint and resumed, each mint is there once, and its idempotency key replays it',
  async (_what, stop) => {
    const keys = keyCalls(api.call);
    const answered: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const wishes = Array.from({ length: mintsPerRound }, () => ({
        headers: { 'Idempotency-Key': randomUUID() },
        body: { user_id: `stopped-${randomUUID()}`, organization_id: organization },
      }));
      const mint = (wish: (typeof wishes)[number]) => api.call('POST /v1/flowplate/api-keys', wish);
      const first = wishes.map(mint);
      await sleep(round);
      const resume = await stop();
      const answers = await Promise.all(first);
      resume();
      for (const [index, wish] of wishes.entries()) {
        const before = answers[index];
        // A session that is stopped holds locks on which other mints wait: "try again", too.
        expect(['IDEMPOTENCY_IN_PROGRESS', 'DEPENDENCY_UNAVAILABLE', undefined]).toContain(
          before?.body.error?.code,
        );
        const again = await eventually(
          10_000,
          () => mint(wish),
          ({ status }) => status === 201,
        );
        if (before?.status === 201) expect(again.body).toEqual(before.body);
        expect(await keys.codeOf(again.body.key)).toBe('VALID');
        const found = await query(postgres.adminUrl, 'SELECT id FROM api_keys WHERE user_id = $1', [
          wish.body.user_id,
        ]);
        expect(found).toEqual([{ id: again.body.key_id }]);
      }
      answered.push(answers.filter(({ status }) => status === 201).length);
    }
    expect(await findHalfDone(postgres.adminUrl)).toEqual([]);
    expect(answered.some((count) => count < mintsPerRound)).toBe(true);
  },
  120_000,
);
