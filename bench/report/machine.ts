import { cpus } from 'node:os';
import type pg from 'pg';
import { inWords } from './statistics.ts';

/** Describes the machine and versions, in one paragraph. */
export async function machineNote(sql: pg.Pool, isPinned: boolean): Promise<string> {
  const { rows } = await sql.query<{ version: string; fsync: string }>(
    "SELECT split_part(version(), ' ', 2) AS version, current_setting('fsync') AS fsync",
  );
  const [first] = cpus();
  const pinning = isPinned
    ? 'servers on one core, load on the other, Postgres and Redis on either'
    : 'nothing is pinned to a core: taskset or a second core is missing';
  return `${cpus().length} × ${first?.model.trim()}, Node ${process.version}, Postgres ${rows[0]?.version} (fsync ${rows[0]?.fsync}); ${pinning}. Every figure is the median of its rounds with the lowest and the highest; a ratio is taken within a round.`;
}

/** Says how busy the machine was with other work, as a measure of trust. */
export function otherWorkNote(shares: readonly number[]): string {
  const percent = shares.map((share) => share * 100);
  return `Others used ${inWords(percent)} % of the machine just before the measurements.`;
}
