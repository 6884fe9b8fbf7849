import { randomBytes } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import type pg from 'pg';
import { newId } from '../../src/domain/ids.ts';
import { digestSecret, type Keyring } from '../../src/domain/key-digest.ts';
import { newSecret } from '../../src/domain/key-format.ts';

export const organizationsCount = 100;

const rowsPerInsert = 5_000;

/** Organizations of all keys of a run. */
export async function seedOrganizations(sql: pg.Pool): Promise<void> {
  const ids = Array.from({ length: organizationsCount }, (_, index) => `org_${index}`);
  await sql.query(
    'INSERT INTO organizations (id, name, created_at, updated_at) SELECT id, id, now(), now() FROM unnest($1::text[]) id',
    [ids],
  );
  await sql.query(
    `INSERT INTO environments (id, organization_id, slug, created_at)
     SELECT 'env_' || id || slug, id, slug, now() FROM unnest($1::text[]) id, unnest(ARRAY['default', 'prod']) slug`,
    [ids],
  );
}

/**
 * Inserts keys in bulk, and writes their secrets into a file, one per line. They are created and
 * digested by the product's own code. Returns their ids.
 */
export async function seedKeys(
  parts: { sql: pg.Pool; keyring: Keyring; keysFile: string },
  count: number,
  label: string,
): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const at = new Date();
    const rows = Array.from({ length: Math.min(rowsPerInsert, count - ids.length) }, () =>
      newRow(parts.keyring, at),
    );
    await insertRows(parts.sql, rows, label, ids.length, at);
    await appendFile(parts.keysFile, rows.map((row) => `${row.secret}\n`).join(''), { mode: 0o600 });
    ids.push(...rows.map((row) => row.id));
  }
  return ids;
}

type Row = { id: string; secret: string; digest: Buffer };

function newRow(keyring: Keyring, at: Date): Row {
  const secret = newSecret('user', 'prod', randomBytes);
  return {
    id: newId('key', at, randomBytes),
    secret,
    digest: digestSecret(keyring[0], secret).digest,
  };
}

async function insertRows(
  sql: pg.Pool,
  rows: readonly Row[],
  label: string,
  from: number,
  at: Date,
): Promise<void> {
  await sql.query(
    `INSERT INTO api_keys (
       id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata, scopes, created_at, updated_at)
     SELECT id, id, 'p1', digest, prefix, $4 || (n + $5), 'org_' || n % ${organizationsCount}, 'prod', '{}', '{}', $6, $6
     FROM unnest($1::text[], $2::bytea[], $3::text[]) WITH ORDINALITY AS row (id, digest, prefix, n)`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.digest),
      rows.map((row) => row.secret.slice(0, 'fl_user_prod_'.length + 8)),
      label,
      from,
      at,
    ],
  );
}

/** Writes well-formed keys without a row, one per line. */
export async function makeUpKeys(keysFile: string, count: number): Promise<void> {
  const keys = Array.from({ length: count }, () => `${newSecret('user', 'prod', randomBytes)}\n`);
  await appendFile(keysFile, keys.join(''), { mode: 0o600 });
}
