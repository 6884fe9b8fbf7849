import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import { KeyedQueue } from '../../src/concurrency/keyed-queue.ts';
import type { Caller, MasterKeyPrincipal } from '../../src/domain/principal.ts';
import { JournalDirectory } from '../../src/journal/journal-directory.ts';
import { JournalWriter } from '../../src/journal/journal-writer.ts';
import type { Told } from '../../src/revocation/propagation-watch.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';

import { setOrganizationStatus } from '../../src/usecases/organizations/set-organization-status.ts';
import { refreshKey } from '../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { inWords, spreadOf } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import type { Stage } from '../stage/stage.ts';
import type { Scenario } from './scenario.ts';

const reference = 'bare UPDATE';

/** A ratio on a busy machine needs more rounds than a figure beside others. */
const roundsMin = 10;

export const changes: Scenario = {
  name: 'changes',
  about: 'the transaction of a revoke, a refresh and a suspension beside a bare UPDATE of one key',
  async run(stage, pace) {
    const rounds = Math.max(pace.rounds, roundsMin);
    const variants = await newVariants(stage);
    const p50s: P50s[] = [];
    for (let round = 0; round <= rounds; round++) {
      await stage.otherWork.waitForQuiet();
      const measured = await measureRound(stage, variants, pace.revokes, round);
      if (round > 0) p50s.push(measured);
    }
    return [tableOf(p50s, pace.revokes)];
  },
};

type SeededKey = { id: string; owner: { userId: string; organizationId: string; environment: string } };
type Variant = { name: string; change: (key: SeededKey, number: number) => Promise<unknown> };
type P50s = Map<string, number>;

/**
 * One call of each variant in turn, for each key of its own: shorter turns than those of whole
 * servers, since a single call takes a millisecond and other work comes in bursts.
 */
async function measureRound(
  stage: Stage,
  variants: readonly Variant[],
  count: number,
  round: number,
): Promise<P50s> {
  const keys = new Map<Variant, SeededKey[]>();
  const tookMs = new Map<Variant, number[]>(variants.map((variant) => [variant, []]));
  for (const [index, variant] of variants.entries()) {
    keys.set(variant, await seed(stage, count, `${round}-${index}-`));
  }
  const inTurn = round % 2 === 0 ? variants : variants.toReversed();
  for (let number = 0; number < count; number++) {
    for (const variant of inTurn) {
      const key = keys.get(variant)?.[number];
      if (key === undefined) throw new Error('Too few keys were seeded');
      const startedMs = performance.now();
      await variant.change(key, number);
      tookMs.get(variant)?.push(performance.now() - startedMs);
    }
  }
  return new Map(variants.map((variant) => [variant.name, spreadOf(tookMs.get(variant) ?? []).median]));
}

async function seed(stage: Stage, count: number, label: string): Promise<SeededKey[]> {
  const ids = await stage.seedKeys(count, label);
  const { rows } = await stage.sql.query<{ id: string; user_id: string; organization_id: string }>(
    'SELECT id, user_id, organization_id FROM api_keys WHERE id = ANY($1)',
    [ids],
  );
  return rows.map((row) => ({
    id: row.id,
    owner: { userId: row.user_id, organizationId: row.organization_id, environment: 'prod' },
  }));
}

/** Of one caller, without HTTP and without the wait for verifiers. */
async function newVariants(stage: Stage): Promise<Variant[]> {
  const parts = openParts(stage);
  const journaled = { ...parts, propagation: { wait: await journalOf(stage) } };
  const caller = await masterKeyCaller(stage);
  const [bare, alone] = [bareUpdate(parts.db), await preparedUpdate(stage)];
  const by = { actor: { kind: 'shell', id: 'bench' }, requestId: null } as const;
  await stage.sql.query(
    `INSERT INTO organizations (id, name, created_at, updated_at) VALUES ('org_switched', 'x', now(), now())`,
  );
  const switched = (number: number) => (number % 2 === 0 ? 'suspended' : 'active');
  return [
    { name: reference, change: ({ id }) => bare(id) },
    { name: 'the same by pg alone', change: ({ id }) => alone(id) },
    { name: 'revoke', change: ({ id }) => revokeKey(parts, caller, id) },
    { name: 'revoke, with a journal', change: ({ id }) => revokeKey(journaled, caller, id) },
    {
      name: 'refresh',
      change: ({ owner }) => refreshKey(parts, caller, { ...owner, gracePeriodSeconds: 0 }),
    },
    {
      name: 'suspend, resume',
      change: (_, number) =>
        setOrganizationStatus(parts, by, { organizationId: 'org_switched', status: switched(number) }),
    },
  ];
}

/** The parts of a change in an API process. There are no verifiers here to wait for. */
export function openParts({ databaseUrl, keyring, closing }: Stage) {
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

/** The wait of a change for its journal entry, in a directory of the disk for temporary files. */
async function journalOf({ closing }: Stage) {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-journal-'));
  const journal = new JournalWriter(new JournalDirectory(directory), (error) => {
    throw error;
  });
  closing.add('journal', async () => {
    await journal.close();
    await rm(directory, { recursive: true });
  });
  journal.begin({ historyId: randomUUID(), timeline: 1 }, 0);
  return async (told: Told | undefined) => {
    if (told?.following === undefined) throw new Error('The revoke has told no change');
    journal.apply([told.following.change], told.seq);
    await journal.reach(told.seq);
    return reachedNobody;
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

export async function masterKeyCaller({ sql }: Pick<Stage, 'sql'>): Promise<Caller<MasterKeyPrincipal>> {
  const { rows } = await sql.query<{ id: string }>('SELECT id FROM master_keys');
  const id = rows[0]?.id ?? '';
  const rights = { permissions: [], organizationIds: null, environments: null };
  return { principal: { kind: 'master_key', id, name: 'bench', ...rights }, requestId: 'req_bench' };
}

/** The columns that a revoke writes, as a transaction of its own, on the pool of the changes. */
function bareUpdate(db: Database) {
  return (id: string) =>
    sql`
    UPDATE api_keys SET status = 'revoked', revoked_at = ${new Date()}, updated_at = ${new Date()}, revision = revision + 1
    WHERE id = ${id} AND status <> 'revoked'`.execute(db);
}

/** Without our pool: no bound on the wait, no query builder. */
async function preparedUpdate({ databaseUrl, closing }: Stage) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  closing.add('bare UPDATE', () => client.end());
  const text = `UPDATE api_keys SET status = 'revoked', revoked_at = $2, updated_at = $2, revision = revision + 1
    WHERE id = $1 AND status <> 'revoked'`;
  return (id: string) => client.query({ name: 'bare', text, values: [id, new Date()] });
}

function tableOf(rounds: readonly P50s[], count: number): Table {
  const p50Of = (name: string) => rounds.map((round) => round.get(name) ?? Number.NaN);
  const bare = p50Of(reference);
  const ratios = (name: string) => p50Of(name).map((p50, round) => p50 / (bare[round] ?? Number.NaN));
  return {
    title: 'The transaction of a change',
    columns: ['', 'p50 ms', `÷ ${reference}`],
    rows: [...(rounds[0]?.keys() ?? [])].map((name) => [
      name,
      inWords(p50Of(name), 2),
      inWords(ratios(name), 2),
    ]),
    notes: [
      `${rounds.length} rounds of ${count} of each, in turn after every call, by one caller in this process: without HTTP, and without the wait for verifiers. Median and range over the rounds, each ratio within its round. The bare UPDATE writes the columns that a revoke writes, in one prepared statement on the same connections, without checks, audit event and change feed.`,
    ],
  };
}
