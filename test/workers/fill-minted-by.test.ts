import { afterAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

afterAll(endAll);

const keys = 6_000;

test('a fill whose worker is killed goes on where it was, while keys are revoked', async () => {
  const { databaseUrl, startWorker } = await workerStores();
  await query(
    databaseUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     SELECT id, id, 'p1', convert_to(id, 'UTF8'), 'fl_user_test_x', id, 'org_1', 'test', '{}', '{}', now(), now()
     FROM (SELECT 'flk_' || lpad(n::text, 9, '0') || 'abcdefghijklm' AS id FROM generate_series(1, $1::integer) AS n) AS made`,
    [keys],
  );
  await query(
    databaseUrl,
    `INSERT INTO audit_events (id, event_type, actor_kind, actor_id, target_id, result, details, created_at)
     SELECT 'evt_' || substr(id, 5, 9) || 'zzzzzzzzzzzzz', 'key.minted', 'master_key', 'flm_1', id, 'success', '{}', now()
     FROM api_keys`,
  );
  const filled = async () =>
    Number((await query(databaseUrl, 'SELECT count(*) FROM api_keys WHERE minted_by IS NOT NULL'))[0]?.count);
  const first = await startWorker();
  await eventually(20_000, filled, (count) => count > 0);
  first.kill('SIGKILL');
  await first.exited;
  const atDeath = await filled();
  expect(atDeath).toBeLessThan(keys);
  const [place] = await query(databaseUrl, 'SELECT filled::integer FROM minted_by_fill');
  expect(place?.filled).toBe(atDeath);

  await startWorker();
  const revoke = (n: number) =>
    query(
      databaseUrl,
      "UPDATE api_keys SET status = 'revoked' WHERE id LIKE 'flk_' || lpad($1::text, 9, '0') || '%'",
      [n],
    );
  for (let n = keys; n > keys - 50; n--) await revoke(n);
  await eventually(40_000, filled, (count) => count === keys);
  const counts = `SELECT coalesce(sum(living), 0)::integer AS living, coalesce(sum(total), 0)::integer AS total
    FROM (SELECT living, total FROM minted_key_totals UNION ALL SELECT living, total FROM minted_key_count_changes) AS known`;
  expect((await query(databaseUrl, counts))[0]).toEqual({ living: keys - 50, total: keys });
}, 90_000);
