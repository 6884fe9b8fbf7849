import { Redis } from 'ioredis';
import type pg from 'pg';
import type { Keyring } from '../../src/domain/key-digest.ts';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import { recordLifeMs } from '../../src/domain/key-record.ts';
import { minterTag } from '../../src/domain/key-stop.ts';
import { Stamps } from '../../src/domain/stamp.ts';
import { unsetSettings } from '../../src/domain/user-key.ts';
import { writeRecord } from '../../src/stores/redis/records.ts';

const rowsPerBatch = 10_000;

type Row = {
  id: string;
  digest: Buffer;
  user_id: string;
  organization_id: string;
  minted_by: string | null;
  mint_number: number;
  created_at_ms: number;
  read_at_ms: number;
  as_of_seq: number;
};

/**
 * Writes the record of every seeded key into Redis, as first verifications would, in seconds
 * instead of minutes.
 */
export async function fillRedis(sql: pg.Pool, redisUrl: string, keyring: Keyring): Promise<void> {
  const redis = new Redis(redisUrl);
  const histories = await sql.query<{ bytes: Buffer }>(
    'SELECT uuid_send(id) AS bytes FROM database_histories ORDER BY number DESC LIMIT 1',
  );
  const [history = { bytes: Buffer.alloc(0) }] = histories.rows;
  const records = { redis, history, recordStamps: new Stamps(keyring, 'records') };
  let rows = await readRows(sql, '');
  while (rows.length > 0) {
    const next = readRows(sql, rows.at(-1)?.id ?? '');
    await Promise.all(
      rows.map((row) =>
        writeRecord(
          records,
          row.digest,
          { record: toRecord(row), readAtMs: row.read_at_ms, asOfSeq: row.as_of_seq },
          recordLifeMs,
        ),
      ),
    );
    rows = await next;
  }
  redis.disconnect();
}

async function readRows(sql: pg.Pool, afterId: string): Promise<Row[]> {
  const { rows } = await sql.query<Row>(
    `SELECT id, digest, user_id, organization_id, minted_by, coalesce(mint_number, 0)::float8 AS mint_number,
       (extract(epoch FROM created_at) * 1000)::float8 AS created_at_ms,
       (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS read_at_ms,
       (SELECT coalesce(max(seq), 0)::float8 FROM key_changes) AS as_of_seq
     FROM api_keys WHERE id > $1 ORDER BY id LIMIT ${rowsPerBatch}`,
    [afterId],
  );
  return rows;
}

const { name: _name, expiresAt: _expiresAt, ...unsetDeciding } = unsetSettings;

/** What `seedKeys` leaves at its default is so here. */
function toRecord(row: Row): KeyRecord {
  return {
    id: row.id,
    revision: 1,
    lineageId: row.id,
    userId: row.user_id,
    organizationId: row.organization_id,
    environment: 'prod',
    status: 'active',
    expiresAtMs: null,
    supersededUntilMs: null,
    quarantinedUntilMs: null,
    supersededBy: null,
    supersededAtMs: null,
    minter: row.minted_by === null ? null : minterTag(row.minted_by),
    mintNumber: row.mint_number,
    createdAtMs: row.created_at_ms,
    ...unsetDeciding,
  };
}
