import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import { KeyedQueue } from '../../src/concurrency/keyed-queue.ts';
import type { Caller, MasterKeyPrincipal } from '../../src/domain/principal.ts';
import { openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { setOrganizationStatus } from '../../src/usecases/organizations/set-organization-status.ts';
import { refreshKey } from '../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { inWords, spreadOf } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { organizationsCount } from '../stage/seed-keys.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave, type Runs } from './interleave.ts';
import type { Scenario } from './scenario.ts';

const reference = 'bare UPDATE';

/** A ratio on a busy machine needs more rounds than a figure beside others. */
const roundsMin = 10;

export const changes: Scenario = {
  name: 'changes',
  about: 'the transaction of a revoke, a refresh and a suspension beside a bare UPDATE of one key',
  async run(stage, pace) {
    const rounds = Math.max(pace.rounds, roundsMin);
    const runs = await interleave(stage.otherWork, await newArms(stage, pace.revokes), rounds);
    return [tableOf(runs, rounds, pace.revokes)];
  },
};

/** Of one caller, without HTTP and without the wait for verifiers. */
async function newArms(stage: Stage, count: number): Promise<Arm<number>[]> {
  const parts = openParts(stage);
  const caller = await masterKeyCaller(stage);
  const bare = await bareUpdate(stage);
  await stage.sql.query(
    `INSERT INTO organizations (id, name, created_at, updated_at) VALUES ('org_switched', 'x', now(), now())`,
  );
  const by = { actor: { kind: 'shell', id: 'bench' }, requestId: null } as const;
  const owner = (userId: string, n: number) => ({
    userId,
    organizationId: `org_${n % organizationsCount}`,
    environment: 'prod',
  });
  let measurements = 0;
  const arm = (
    name: string,
    change: (key: { id: string; label: string; n: number }) => Promise<unknown>,
  ) => ({
    name,
    measure: async () => {
      const label = `${measurements++}-`;
      const ids = await stage.seedKeys(count, label);
      const tookMs: number[] = [];
      for (const [index, id] of ids.entries()) {
        const startedMs = performance.now();
        await change({ id, label, n: index + 1 });
        tookMs.push(performance.now() - startedMs);
      }
      return spreadOf(tookMs).median;
    },
  });
  return [
    arm(reference, ({ id }) => bare(id)),
    arm('revoke', ({ id }) => revokeKey(parts, caller, id)),
    arm('refresh', ({ label, n }) =>
      refreshKey(parts, caller, { ...owner(`${label}${n}`, n), gracePeriodSeconds: 0 }),
    ),
    arm('suspend', ({ n }) =>
      setOrganizationStatus(parts, by, {
        organizationId: 'org_switched',
        status: n % 2 === 1 ? 'suspended' : 'active',
      }),
    ),
  ];
}

/** What a change needs in an API process. Nobody verifies here, so there is nobody to wait for. */
function openParts({ databaseUrl, keyring, closing }: Stage) {
  const timeouts = { connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 };
  const pool = { databaseUrl, applicationName: 'flowplate-bench', connectionsMax: 4, ...timeouts };
  const db = openDatabase(openPool(pool, () => undefined));
  closing.add('changes', () => db.destroy());
  return {
    ...{ db, keyring, randomBytes },
    clock: { now: () => new Date(), earliest: () => new Date() },
    turns: new KeyedQueue(),
    connections: new FairBulkhead({ runningMax: 4, waitingMax: 100, refusal: 'OVERLOADED' }),
    propagation: { wait: async () => reachedNobody },
  };
}

const reachedNobody = {
  isComplete: true,
  acknowledged: 0,
  total: 0,
  waitedMs: 0,
  effectiveBy: new Date(0),
  heldUpBy: [],
};

async function masterKeyCaller({ sql }: Stage): Promise<Caller<MasterKeyPrincipal>> {
  const { rows } = await sql.query<{ id: string }>('SELECT id FROM master_keys');
  const id = rows[0]?.id ?? '';
  const rights = { permissions: [], organizationIds: null, environments: null };
  return { principal: { kind: 'master_key', id, name: 'bench', ...rights }, requestId: 'req_bench' };
}

/** The columns that a revoke writes, prepared, as a transaction of its own. */
async function bareUpdate({ databaseUrl, closing }: Stage) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  closing.add('bare UPDATE', () => client.end());
  const text = `UPDATE api_keys SET status = 'revoked', revoked_at = $2, updated_at = $2, revision = revision + 1
    WHERE id = $1 AND status <> 'revoked'`;
  return (id: string) => client.query({ name: 'bare', text, values: [id, new Date()] });
}

function tableOf(runs: Runs<number>, rounds: number, count: number): Table {
  const bare = runs.get(reference) ?? [];
  return {
    title: 'The transaction of a change',
    columns: ['', 'p50 ms', `÷ ${reference}`],
    rows: [...runs].map(([name, p50s]) => [
      name,
      inWords(p50s, 2),
      inWords(
        p50s.map((p50, round) => p50 / (bare[round] ?? Number.NaN)),
        2,
      ),
    ]),
    notes: [
      `${rounds} rounds of ${count} of each, one after the other by one caller, in this process: without HTTP, and without the wait for verifiers. Median and range over the rounds, each ratio within its round. The bare UPDATE writes the same columns through one prepared statement, without checks, audit event and change feed.`,
    ],
  };
}
