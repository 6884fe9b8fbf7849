import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';

/** Copy of api_keys with the same columns and indexes. */
export const bareTable = 'bench_keys';

/**
 * Lower bound of storing a key: one prepared one-row INSERT through a pool. Values have the sizes
 * and order of a minted key (ascending ids, random digests), without secret, audit event and
 * checks.
 */
export function bareInsert(databaseUrl: string, poolSize: number) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize });
  const text = `INSERT INTO ${bareTable} (
      id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata, scopes, created_at, updated_at)
    VALUES ($1, $1, 'p1', $2, $3, $4, $5, 'prod', '{}', '{}', $6, $6)`;
  const run = randomUUID();
  let count = 0;
  const insert = async (): Promise<string> => {
    const number = String(count++).padStart(10, '0');
    const id = `flk_${run.slice(0, 8)}${number}0000`;
    const digest = createHash('sha256').update(id).digest();
    const values = [
      id,
      digest,
      `fl_user_prod_${number.slice(2)}`,
      `bare-${id}`,
      `org_${count % 100}`,
      new Date(),
    ];
    await pool.query({ name: 'bare', text, values });
    return id;
  };
  return { insert, close: () => pool.end() };
}
