import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkMigrations, problemsOf } from '../../scripts/checks/migrations.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** As if the previous release had two tables and the names of their columns. */
const named = new Set(['keys', 'id', 'status', 'keys_status', 'keys_status_check']);
const problems = (sql: string) => problemsOf(sql, (name) => named.has(name));
const outside = '-- Outside of a transaction.\n--\n-- Why.\n\n';

describe('a migration that takes away what the previous release names is refused', () => {
  test.each([
    ['ALTER TABLE keys DROP COLUMN status', 'removes status'],
    ['ALTER TABLE keys RENAME COLUMN status TO state', 'removes status'],
    ['ALTER TABLE keys RENAME TO all_keys', 'removes keys'],
    ['DROP TABLE IF EXISTS keys CASCADE', 'removes keys'],
    ['DROP VIEW public.keys', 'removes keys'],
    ['ALTER TABLE keys DROP CONSTRAINT keys_status_check', 'removes keys_status_check'],
    ['ALTER INDEX keys_status RENAME TO keys_state', 'removes keys_status'],
    [`${outside}DROP INDEX CONCURRENTLY keys_status;`, 'removes keys_status'],
    ['DROP FUNCTION count_keys(text)', 'removes count_keys'],
    ['DROP TRIGGER count ON keys', 'removes count'],
  ])('%s', async (sql, expected) => {
    expect(await problems(sql)).toEqual([expect.stringMatching(`^${expected}: `)]);
  });

  test('what it does not name may go, and a name may pass to a successor', async () => {
    expect(await problems('ALTER TABLE keys DROP COLUMN colour; DROP TABLE colours')).toEqual([]);
    const sql = `${outside}CREATE INDEX CONCURRENTLY next ON keys (id);
ALTER INDEX keys_status RENAME TO old;
ALTER INDEX next RENAME TO keys_status;
DROP INDEX CONCURRENTLY old;`;
    expect(await problems(sql)).toEqual([]);
  });
});

describe('a migration that holds a lock for as long as a table is large is refused', () => {
  test.each([
    ['CREATE INDEX keys_id ON keys (id)', 'blocks keys'],
    ['DROP INDEX keys_colour', 'blocks keys_colour'],
    ['ALTER TABLE keys ALTER COLUMN colour TYPE bigint', 'blocks keys'],
    ['ALTER TABLE keys ADD COLUMN made uuid DEFAULT gen_random_uuid()', 'blocks keys'],
    ['ALTER TABLE keys ADD COLUMN number bigserial', 'blocks keys'],
    ['ALTER TABLE keys ADD COLUMN twice int GENERATED ALWAYS AS (1) STORED', 'blocks keys'],
    ['ALTER TABLE keys SET UNLOGGED', 'blocks keys'],
    ['ALTER TABLE keys ADD COLUMN colour text; UPDATE keys SET colour = status', 'blocks keys'],
    ['CREATE TABLE part PARTITION OF keys FOR VALUES IN (1)', 'blocks keys'],
    ['LOCK TABLE keys', 'unknown LockStmt'],
    ['TRUNCATE keys', 'unknown TruncateStmt'],
    ['VACUUM FULL keys', 'unknown VacuumStmt'],
    ['REINDEX TABLE keys', 'unknown ReindexStmt'],
    ['DO $$ BEGIN EXECUTE 1; END $$', 'unknown DO'],
  ])('%s', async (sql, expected) => {
    expect(await problems(sql)).toEqual([expect.stringMatching(`^${expected}: `)]);
  });

  test('what takes a moment, and what is built beside readers and writers, passes', async () => {
    const brief = `CREATE TABLE colours (id text PRIMARY KEY REFERENCES keys (id));
      CREATE INDEX colours_id ON colours (id);
      ALTER TABLE colours ALTER COLUMN id TYPE varchar;
      INSERT INTO colours SELECT id FROM keys;
      ALTER TABLE keys ADD COLUMN colour text, ADD COLUMN shade jsonb NOT NULL DEFAULT '{}'::jsonb;
      ALTER TABLE keys ALTER COLUMN id DROP NOT NULL, VALIDATE CONSTRAINT keys_id;
      CREATE FUNCTION paint() RETURNS void LANGUAGE sql AS $$ UPDATE keys SET colour = 'red' $$`;
    expect(await problems(brief)).toEqual([]);
    expect(await problems(`${outside}CREATE INDEX CONCURRENTLY keys_id ON keys (id);`)).toEqual([]);
    expect(await problems('UPDATE keys SET colour = status')).toEqual([]);
  });
});

describe('a migration that refuses rows which the previous release writes is refused', () => {
  test.each([
    ['ALTER TABLE keys ADD COLUMN colour text NOT NULL', ['refuses keys']],
    ['ALTER TABLE keys ALTER COLUMN colour SET NOT NULL', ['refuses keys', 'blocks keys']],
    ['ALTER TABLE keys ADD CONSTRAINT c CHECK (id > 0)', ['refuses keys', 'blocks keys']],
    ['ALTER TABLE keys ADD CONSTRAINT c CHECK (id > 0) NOT VALID', ['refuses keys']],
    ['ALTER TABLE keys ADD UNIQUE (id)', ['refuses keys', 'blocks keys']],
    [`${outside}CREATE UNIQUE INDEX CONCURRENTLY once ON keys (id);`, ['refuses keys']],
  ])('%s', async (sql, expected) => {
    const found = (await problems(sql)).map((problem) => problem.split(':')[0]);
    expect(found).toEqual(expected);
  });
});

describe('an exemption', () => {
  const index = 'CREATE INDEX keys_id ON keys (id);\n';

  test('names the rule, the object and the reason', async () => {
    expect(await problems(`-- upgrade: blocks keys: it has a dozen rows\n${index}`)).toEqual([]);
  });

  test.each([
    [
      'is of no use for another object',
      '-- upgrade: blocks locks: it has a dozen rows',
      'nothing here blocks locks',
    ],
    [
      'is of no use for another rule',
      '-- upgrade: removes keys: it has a dozen rows',
      'nothing here removes keys',
    ],
    ['needs a reason', '-- upgrade: blocks keys: yes', 'blocks keys needs a reason'],
  ])('%s', async (_name, line, expected) => {
    expect(await problems(`${line}\n${index}`)).toContain(expected);
  });
});

describe('in a repository', () => {
  const folder = 'src/stores/postgres/migrations';

  async function repository() {
    const root = await temporaryDirectory();
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=S', '-c', 'user.email=s@example.com', ...args], { cwd: root });
    const commit = async (file: string, text: string) => {
      await mkdir(join(root, file, '..'), { recursive: true });
      await writeFile(join(root, file), text);
      git('add', '--all');
      git('commit', '--quiet', '--message', file);
    };
    git('init', '--quiet');
    await commit('src/store.ts', 'select status');
    await commit(`${folder}/0001_a.sql`, 'DROP TABLE released;\nCREATE FUNCTION f() AS $$ shade $$;');
    return { root, git, commit };
  }

  test('migrations of the release are left alone, and later ones are held against its code and its functions', async () => {
    const { root, git, commit } = await repository();
    git('tag', 'v1.0.0');
    await commit(
      `${folder}/0002_b.sql`,
      'ALTER TABLE keys DROP COLUMN status, DROP COLUMN shade, DROP COLUMN a;',
    );
    const { ok, output } = await checkMigrations(root);
    expect(ok).toBe(false);
    expect(output.split('\n').slice(0, -1)).toEqual([
      `${folder}/0002_b.sql: removes status: the previous release names it`,
      `${folder}/0002_b.sql: removes shade: the previous release names it`,
    ]);
    await rm(join(root, folder, '0002_b.sql'));
    expect(await checkMigrations(root)).toMatchObject({ ok: true });
  });

  test('on the commit of a release its own migrations are the new ones', async () => {
    const { root, git, commit } = await repository();
    git('tag', 'v1.0.0');
    await commit(`${folder}/0002_b.sql`, 'DROP FUNCTION f();');
    git('tag', 'v1.1.0');
    expect(await checkMigrations(root)).toMatchObject({ ok: false });
  });

  test('where no tags were fetched, the commit of a release stands for its tag', async () => {
    const { root, git, commit } = await repository();
    git('commit', '--quiet', '--allow-empty', '--message', 'release: 1.0.0');
    await commit(`${folder}/0002_b.sql`, 'ALTER TABLE keys DROP COLUMN status;');
    const { output } = await checkMigrations(root);
    expect(output).toContain('0002_b.sql: removes status');
  });

  test('a copy without history is not held against the previous release', async () => {
    const { root } = await repository();
    const shallow = await temporaryDirectory();
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, shallow]);
    expect(await checkMigrations(shallow)).toMatchObject({ ok: true });
    expect(await checkMigrations(await temporaryDirectory())).toMatchObject({ ok: true });
  });

  test('without the tag of a release it fails and says how to fetch it', async () => {
    const { root } = await repository();
    const { ok, output } = await checkMigrations(root);
    expect(ok).toBe(false);
    expect(output).toContain('git fetch --unshallow --tags');
  });

  test('the migrations of this one pass', async () => {
    expect(await checkMigrations(projectRoot)).toMatchObject({ ok: true });
  });
});
