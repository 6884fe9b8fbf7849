import { chown, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../scripts/services/run-command.ts';
import { atEnd } from './at-end.ts';
import type { OwnPostgres } from './own-stores.ts';
import { withConnection } from './query.ts';

/**
 * A base backup of a server that goes on, as pg_basebackup takes one: its files between the start
 * and the stop of a backup, and the log that makes them consistent. Returns what restores it.
 */
export async function backUp(postgres: OwnPostgres): Promise<() => Promise<void>> {
  const backup = `${postgres.directory}-backup`;
  atEnd(() => rm(backup, { recursive: true, force: true }));
  await withConnection(postgres.adminUrl, async (client) => {
    await client.query("SELECT pg_backup_start('test', true)");
    await copy(postgres.directory, backup);
    const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(false)');
    await rm(join(backup, 'pg_wal'), { recursive: true });
    await copy(join(postgres.directory, 'pg_wal'), join(backup, 'pg_wal'));
    await rm(join(backup, 'postmaster.pid'));
    const label = join(backup, 'backup_label');
    await writeFile(label, rows[0].labelfile);
    const { uid, gid } = await stat(backup);
    await chown(label, uid, gid);
  });
  return async () => {
    await postgres.kill();
    await rm(postgres.directory, { recursive: true });
    await copy(backup, postgres.directory);
    await postgres.restart();
  };
}

/** With the owners of the files, which the server insists on. */
async function copy(from: string, to: string): Promise<void> {
  const { exitCode, stderr } = await runCommand(['cp', '-a', from, to]);
  // A file that the server removes meanwhile is none of the backup's.
  if (exitCode !== 0 && !/cannot stat .*No such file/.test(stderr)) throw new Error(stderr);
}
