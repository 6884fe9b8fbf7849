import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { runner } from 'node-pg-migrate';
import type { Client } from 'pg';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { createDatabase } from '../../../scripts/services/create-database.ts';
import { migrate, migrationsDirectory } from '../../../src/stores/postgres/migrate.ts';
import { sqlFiles, statementsOf } from '../../../src/stores/postgres/migration-files.ts';
import { eventually } from '../../support/eventually.ts';
import { query, withConnection } from '../../support/query.ts';

const created: string[] = [];
afterEach(async () => {
  for (const name of created.splice(0)) {
    await query(inject('postgresUrl'), `DROP DATABASE ${name} WITH (FORCE)`);
  }
});

async function emptyDatabase(): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  created.push(name);
  return createDatabase(inject('postgresUrl'), name);
}

/** With the migrations before this one. */
async function databaseBefore(name: string): Promise<string> {
  const databaseUrl = await emptyDatabase();
  const earlier = (await allMigrations()).filter((each) => each < name);
  await withConnection(databaseUrl, (dbClient) =>
    runner({
      dbClient,
      dir: migrationsDirectory,
      direction: 'up',
      count: earlier.length,
      migrationsTable: 'schema_migrations',
      migrationLoaderStrategies: [sqlFiles],
      singleTransaction: false,
      noLock: true,
      log: () => undefined,
    }),
  );
  expect(await applied(databaseUrl)).toEqual(earlier);
  return databaseUrl;
}

const applied = async (databaseUrl: string) =>
  (await query(databaseUrl, 'SELECT name FROM schema_migrations ORDER BY id')).map(({ name }) => name);

async function allMigrations(): Promise<string[]> {
  const directory = new URL('../../../src/stores/postgres/migrations/', import.meta.url);
  return (await readdir(directory)).map((file) => file.replace(/\.sql$/, '')).sort();
}

/**
 * Tables, columns, constraints, indexes, triggers and functions: everything that makes one schema
 * differ from another.
 */
const shape = (databaseUrl: string) =>
  query(
    databaseUrl,
    `SELECT 'column' AS kind, table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS what
       FROM information_schema.columns WHERE table_schema = 'public'
     UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
     UNION ALL SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
     UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     ORDER BY 1, 2`,
  );

test('an empty database gets every migration, in the order of their names', async () => {
  const databaseUrl = await emptyDatabase();
  await migrate({ databaseUrl });
  expect(await applied(databaseUrl)).toEqual(await allMigrations());
});

test('migrating again changes nothing', async () => {
  const databaseUrl = await emptyDatabase();
  await migrate({ databaseUrl });
  const before = await shape(databaseUrl);
  await migrate({ databaseUrl });
  expect(await shape(databaseUrl)).toEqual(before);
  expect(await applied(databaseUrl)).toEqual(await allMigrations());
});

test('five processes that start at once bring the database to one schema, and all of them succeed', async () => {
  const [alone, together] = [await emptyDatabase(), await emptyDatabase()];
  await migrate({ databaseUrl: alone });
  const starts = Array.from({ length: 5 }, () => migrate({ databaseUrl: together }));
  const outcomes = await Promise.allSettled(starts);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  expect(await applied(together)).toEqual(await allMigrations());
  expect(await shape(together)).toEqual(await shape(alone));
});

test('keys can be read while the indexes of lists are built', async () => {
  const databaseUrl = await emptyDatabase();
  await migrate({ databaseUrl });
  const file = new URL('../../../src/stores/postgres/migrations/0020_list_indexes.sql', import.meta.url);
  await query(
    databaseUrl,
    `DROP INDEX api_keys_shown_names, audit_events_actor_type, audit_events_organization_type;
     CREATE INDEX api_keys_shown_all ON api_keys (id)`,
  );
  await withConnection(databaseUrl, async (migrating) => {
    await migrating.query(`BEGIN; ${await readFile(file, 'utf8')}`);
    await query(databaseUrl, "SET lock_timeout = '400ms'; SELECT id FROM api_keys");
    await migrating.query('ROLLBACK');
  });
});

test('a migration that waits for a long reader lets the others pass, and is done when that one ends', async () => {
  const [databaseUrl, other] = [await databaseBefore('0035'), await emptyDatabase()];
  await migrate({ databaseUrl: other });
  const whole = await shape(other);
  await withConnection(databaseUrl, async (reading) => {
    await reading.query('BEGIN; SELECT id FROM verifiers');
    const migrated = migrate({ databaseUrl });
    const waiting =
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%ALTER TABLE%'";
    for (const _wait of ['first', 'second']) {
      await eventually(
        10_000,
        () => query(databaseUrl, waiting),
        (rows) => rows.length > 0,
      );
      // It stands behind the migration, until that gives up.
      await query(databaseUrl, 'SELECT id FROM verifiers');
    }
    await reading.query('COMMIT');
    await migrated;
  });
  expect(await applied(databaseUrl)).toEqual(await allMigrations());
  expect(await shape(databaseUrl)).toEqual(whole);
});

describe('the smaller indexes of user keys', () => {
  const names = ['api_keys_hidden', 'api_keys_hidden_there', 'api_keys_user'];
  const insertKey = (id: string) => `INSERT INTO api_keys
    (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata, scopes, created_at, updated_at)
    VALUES ('${id}', '${id}', 'p1', '${id}', 'p', '${id}', 'org_1', 'prod', '{}', '{}', now(), now())`;

  /** As the release before has them. */
  async function databaseWithLargerOnes(): Promise<string> {
    const databaseUrl = await emptyDatabase();
    await migrate({ databaseUrl });
    await query(
      databaseUrl,
      `DROP INDEX ${names.join(', ')};
       CREATE INDEX api_keys_hidden ON api_keys (organization_id, id) WHERE kind = 'user';
       CREATE INDEX api_keys_hidden_there ON api_keys (environment, organization_id, id) WHERE kind = 'user';
       CREATE INDEX api_keys_user ON api_keys (user_id, id);
       INSERT INTO organizations (id, name, created_at, updated_at) VALUES ('org_1', 'org', now(), now())`,
    );
    return databaseUrl;
  }

  const indexesOf = (databaseUrl: string) =>
    query(
      databaseUrl,
      `SELECT relname AS name, indisvalid AS is_valid, indnatts AS columns FROM pg_index
       JOIN pg_class ON pg_class.oid = indexrelid WHERE relname ~ '^api_keys_(hidden(_there)?|user)(_next|_old)?$' ORDER BY 1`,
    );
  const smaller = [
    { name: 'api_keys_hidden', is_valid: true, columns: 3 },
    { name: 'api_keys_hidden_there', is_valid: true, columns: 2 },
    { name: 'api_keys_user', is_valid: true, columns: 1 },
  ];
  const file = new URL(
    '../../../src/stores/postgres/migrations/0034_smaller_key_indexes.sql',
    import.meta.url,
  );
  const statements = async () => statementsOf(await readFile(file, 'utf8'));

  async function runAll(client: Client, some: readonly string[]): Promise<void> {
    for (const statement of some) await client.query(statement);
  }

  test('are built while keys are minted', async () => {
    const databaseUrl = await databaseWithLargerOnes();
    const all = await statements();
    await withConnection(databaseUrl, async (writing) => {
      await writing.query('BEGIN');
      await writing.query(insertKey('flk_open'));
      await withConnection(databaseUrl, async (migrating) => {
        const built = runAll(migrating, all);
        const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%CREATE INDEX%'`;
        await eventually(
          10_000,
          () => query(databaseUrl, waiting),
          (rows) => rows.length > 0,
        );
        await query(databaseUrl, `SET lock_timeout = '1s'; ${insertKey('flk_beside')}`);
        await writing.query('COMMIT');
        await built;
      });
    });
    expect(await indexesOf(databaseUrl)).toEqual(smaller);
  });

  test('are whole after an attempt that was cut short anywhere', async () => {
    const all = await statements();
    const databaseUrl = await databaseWithLargerOnes();
    await withConnection(databaseUrl, async (migrating) => {
      for (let done = 1; done <= all.length; done++) {
        await runAll(migrating, all.slice(0, done));
        await runAll(migrating, all);
        expect(await indexesOf(databaseUrl)).toEqual(smaller);
      }
    });
  });
});

test('master keys that hold everything also explain, and no other does', async () => {
  const databaseUrl = await emptyDatabase();
  await migrate({ databaseUrl });
  const file = new URL(
    '../../../src/stores/postgres/migrations/0028_explain_permission.sql',
    import.meta.url,
  );
  const all = 'keys:mint,keys:refresh,keys:revoke,keys:read,keys:verify,keys:verify:embedded,usage:read';
  await query(
    databaseUrl,
    `INSERT INTO master_keys (id, name, password_hash, permissions, created_at) VALUES
       ('flm_all', '', 'x', '{${all}}', now()),
       ('flm_new', '', 'x', '{${all},keys:explain}', now()),
       ('flm_gateway', '', 'x', '{keys:verify}', now()),
       ('flm_backend', '', 'x', '{keys:mint,keys:refresh,keys:revoke,keys:read,usage:read}', now())`,
  );
  await query(databaseUrl, await readFile(file, 'utf8'));
  const allowed = `SELECT id, cardinality(permissions) AS held FROM master_keys
    WHERE 'keys:explain' = ANY (permissions) ORDER BY id`;
  expect(await query(databaseUrl, allowed)).toEqual([
    { id: 'flm_all', held: 8 },
    { id: 'flm_new', held: 8 },
  ]);
});

test('leases go on for master keys that had them or hold everything, and for no other; old rows count as the longest', async () => {
  const databaseUrl = await emptyDatabase();
  await migrate({ databaseUrl });
  const file = new URL(
    '../../../src/stores/postgres/migrations/0023_embedded_verifiers.sql',
    import.meta.url,
  );
  await query(
    databaseUrl,
    `ALTER TABLE verifiers DROP COLUMN lease_ms, DROP COLUMN told_seq, DROP COLUMN is_ended;
     DROP INDEX verifiers_master_key;
     INSERT INTO master_keys (id, name, password_hash, permissions, created_at) VALUES
       ('flm_all', '', 'x', '{keys:mint,keys:refresh,keys:revoke,keys:read,keys:verify,usage:read}', now()),
       ('flm_sdk_gateway', '', 'x', '{keys:verify}', now()),
       ('flm_gateway', '', 'x', '{keys:verify}', now()),
       ('flm_backend', '', 'x', '{keys:mint,keys:refresh,keys:revoke,keys:read,usage:read}', now());
     INSERT INTO verifiers (id, applied_seq, lease_until, master_key_id)
       VALUES ('embedded', 0, now(), 'flm_sdk_gateway'), ('api', 0, now(), NULL)`,
  );
  await query(databaseUrl, await readFile(file, 'utf8'));
  const allowed = `SELECT id FROM master_keys WHERE 'keys:verify:embedded' = ANY (permissions) ORDER BY id`;
  expect((await query(databaseUrl, allowed)).map(({ id }) => id)).toEqual(['flm_all', 'flm_sdk_gateway']);
  const rows = await query(databaseUrl, 'SELECT lease_ms, is_ended FROM verifiers');
  expect(rows).toEqual(Array(2).fill({ lease_ms: 120_000, is_ended: false }));
});
