import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/stores/postgres/migrate.ts';
import { startPostgres } from '../services/postgres.ts';
import { projectRoot } from '../services/project-root.ts';

/**
 * Row types of every table, from a newly migrated database. Numbers are typed as
 * stores/postgres/pool.ts parses them.
 */
export async function databaseTypes(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'flowplate-generate-'));
  const postgres = await startPostgres({ dataDir: join(directory, 'postgres'), settings: { fsync: 'off' } });
  try {
    await migrate({ databaseUrl: postgres.url });
    const file = join(directory, 'schema.ts');
    execFileSync(
      join(projectRoot, 'node_modules/.bin/kysely-codegen'),
      [
        ...['--dialect', 'postgres', '--url', postgres.url, '--out-file', file, '--log-level', 'warn'],
        ...['--exclude-pattern', 'schema_migrations', '--date-parser', 'string'],
        ...['--type-mapping', '{"int8":"number"}'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    return readFileSync(file, 'utf8');
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
