import { expect, test } from 'vitest';
import { statementSummary } from '../../src/tracing/statement-summary.ts';

test.each([
  ['begin', 'BEGIN'],
  ['COMMIT', 'COMMIT'],
  ['start transaction isolation level repeatable read', 'START'],
  ['SELECT pg_advisory_xact_lock($1)', 'SELECT'],
  ['select "id" from "api_keys" where "id" = $1 for update', 'SELECT api_keys'],
  ['SELECT 1 FROM a JOIN b ON a.x = b.x JOIN a AS again USING (y)', 'SELECT a b'],
  ['SELECT extract(epoch FROM created_at) FROM audit_events', 'SELECT audit_events'],
  ['SELECT x FROM unnest($1::text[]) AS x', 'SELECT'],
  ['SELECT FROM organizations', 'SELECT organizations'],
  ['insert into "roles" ("id") values ($1) on conflict ("id") do update set "id" = $1', 'INSERT roles'],
  ['INSERT INTO usage_totals (a, b) SELECT a, b FROM usage_days', 'INSERT usage_totals SELECT usage_days'],
  ['UPDATE verifiers SET x = $1 WHERE x IS DISTINCT FROM seen', 'UPDATE verifiers'],
  ['DELETE FROM ONLY a WHERE id IN (SELECT id FROM b LIMIT 5)', 'DELETE a SELECT b'],
  [
    'WITH old AS MATERIALIZED (SELECT id FROM a), gone (id) AS (DELETE FROM b) SELECT * FROM old, gone',
    'SELECT a DELETE b',
  ],
  ["SELECT * FROM a WHERE name = 'a value' AND other = 7", 'SELECT a'],
  ['', 'SQL'],
])('%s → %s', (text, summary) => {
  expect(statementSummary(text)).toBe(summary);
});

test('a summary has 255 characters at most and ends with a whole name', () => {
  const tables = Array.from({ length: 40 }, (_, index) => `a_long_table_name_${index}`);
  const summary = statementSummary(`SELECT * FROM ${tables.join(' JOIN ')}`);
  expect(summary.length).toBeLessThanOrEqual(255);
  expect(summary).toBe(['SELECT', ...tables.slice(0, summary.split(' ').length - 1)].join(' '));
});
