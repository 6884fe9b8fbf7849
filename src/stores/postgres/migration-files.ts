import { readFile } from 'node:fs/promises';
import type { MigrationBuilder, RunnerOption } from 'node-pg-migrate';

type Strategy = NonNullable<RunnerOption['migrationLoaderStrategies']>[number];

/**
 * Below the second that a request waits for Postgres. A change of a table waits for the longest
 * reader, and every later reader waits behind it.
 */
const lockTimeoutMs = 500;

const outsideOfTransaction = '-- Outside of a transaction.\n';

/**
 * SQL files as migrations, forward only, each in a transaction that gives up (`55P03`) when others
 * would wait behind it for long. A file that begins with `-- Outside
 * of a transaction.` runs statement by statement, since an index that is built beside writers
 * (`CONCURRENTLY`) cannot be built in one; its statements must be able to run twice.
 */
export const sqlFiles: Strategy = {
  extensions: ['.sql'],
  loader: (paths) => Promise.all(paths.map(readMigration)),
};

async function readMigration(path: string) {
  const text = await readFile(path, 'utf8');
  const up = (pgm: Pick<MigrationBuilder, 'noTransaction' | 'sql'>) => {
    if (isOutsideOfTransaction(text)) pgm.noTransaction();
    else pgm.sql(`SET LOCAL lock_timeout = '${lockTimeoutMs}ms'`);
    for (const statement of statementsOf(text)) pgm.sql(statement);
  };
  return { id: path, filePaths: [path], actions: { up, down: false as const } };
}

export function isOutsideOfTransaction(text: string): boolean {
  return text.startsWith(outsideOfTransaction);
}

/** The whole text, or its statements one by one where it runs outside of a transaction. */
export function statementsOf(text: string): string[] {
  return isOutsideOfTransaction(text) ? text.split(/(?<=;)\n/).filter(isStatement) : [text];
}

function isStatement(text: string): boolean {
  return text.split('\n').some((line) => line !== '' && !line.startsWith('--'));
}
