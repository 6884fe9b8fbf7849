import type pg from 'pg';
import type { UsageFlush, UsageMark } from '../../src/domain/usage.ts';
import { isAccepted } from '../../src/domain/verdict.ts';
import {
  listFlushIds,
  openFlush,
  readFlushTexts,
  removeFlushes,
  type StampedFlushes,
} from '../../src/stores/redis/usage-flushes.ts';

const flushesPerRound = 50;

/** Indexes that every count had to update. */
export const indexesBefore = `
  CREATE INDEX ON usage_days (day, calls DESC, lineage_id) WHERE code = 'VALID' AND starts_with(lineage_id, 'ak_');
  CREATE INDEX ON usage_days (day, calls DESC, lineage_id) WHERE code = 'VALID' AND starts_with(lineage_id, 'flk_');
  ALTER TABLE usage_totals RESET (fillfactor);
  DO $$ DECLARE child regclass; BEGIN
    FOR child IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent IN ('usage_hours'::regclass, 'usage_days'::regclass) LOOP
      EXECUTE format('ALTER TABLE %s RESET (fillfactor)', child);
    END LOOP;
  END $$`;

/**
 * Former roll-up as the baseline: every mark goes to Postgres six times, one statement per table.
 */
export async function rollUpBefore(client: pg.Client, { redis, flushStamps }: StampedFlushes): Promise<void> {
  for (;;) {
    const ids = await listFlushIds(redis, flushesPerRound);
    if (ids.length === 0) return;
    const texts = await readFlushTexts(redis, ids);
    const flushes = ids.map(
      (id, index): UsageFlush => ({ id, marks: openFlush(flushStamps, id, texts[index] ?? '') }),
    );
    await client.query('BEGIN');
    await addBefore(client, flushes);
    await client.query('COMMIT');
    await removeFlushes(redis, ids);
  }
}

async function addBefore(client: pg.Client, flushes: readonly UsageFlush[]): Promise<void> {
  await client.query('INSERT INTO usage_flushes (id) SELECT unnest($1::uuid[]) ON CONFLICT (id) DO NOTHING', [
    flushes.map((flush) => flush.id),
  ]);
  const marks = flushes.flatMap((flush) => flush.marks);
  for (const [name, text] of Object.entries(statements)) {
    await client.query({ name, text, values: parameters(marks) });
  }
}

function parameters(marks: readonly UsageMark[]): unknown[] {
  const numbers = (pick: (mark: UsageMark) => number) => `{${marks.map(pick).join(',')}}`;
  return [
    marks.map((mark) => mark.lineageId),
    numbers((mark) => mark.minuteMs),
    marks.map((mark) => mark.code),
    numbers((mark) => mark.calls),
    numbers((mark) => mark.cost),
    numbers((mark) => mark.firstAtMs),
    numbers((mark) => mark.lastAtMs),
    marks.map((mark) => isAccepted(mark.code)),
  ];
}

const marks = `(SELECT *, to_timestamp(ms / 1000) AS minute FROM unnest(
  $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[])
  AS mark (lineage_id, ms, code, calls, cost, first_at_ms, last_at_ms, is_accepted)) AS mark`;

const statements = {
  hours: `
    INSERT INTO usage_hours AS sums (lineage_id, hour, code, calls, cost)
    SELECT lineage_id, date_trunc('hour', minute, 'UTC'), code, sum(calls), sum(cost) FROM ${marks}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (lineage_id, hour, code) DO UPDATE SET calls = sums.calls + excluded.calls, cost = sums.cost + excluded.cost`,
  days: `
    INSERT INTO usage_days AS sums (lineage_id, day, code, calls, cost)
    SELECT lineage_id, (minute AT TIME ZONE 'UTC')::date, code, sum(calls), sum(cost) FROM ${marks}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (lineage_id, day, code) DO UPDATE SET calls = sums.calls + excluded.calls, cost = sums.cost + excluded.cost`,
  traffic: `
    INSERT INTO traffic_days AS sums (day, code, shard, calls)
    SELECT (minute AT TIME ZONE 'UTC')::date, code, 0, sum(calls) FROM ${marks} GROUP BY 1, 2
    ON CONFLICT (day, code, shard) DO UPDATE SET calls = sums.calls + excluded.calls`,
  organizations: `
    INSERT INTO organization_days AS sums (day, organization_id, accepted, refused)
    SELECT (minute AT TIME ZONE 'UTC')::date, organization_id, coalesce(sum(calls) FILTER (WHERE is_accepted), 0),
      coalesce(sum(calls) FILTER (WHERE NOT is_accepted), 0)
    FROM ${marks} JOIN api_keys ON api_keys.id = mark.lineage_id GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (day, organization_id) DO UPDATE
    SET accepted = sums.accepted + excluded.accepted, refused = sums.refused + excluded.refused`,
  totals: `
    INSERT INTO usage_totals AS totals (lineage_id, accepted, refused, first_used_at, last_used_at)
    SELECT lineage_id, coalesce(sum(calls) FILTER (WHERE is_accepted), 0),
      coalesce(sum(calls) FILTER (WHERE NOT is_accepted), 0),
      to_timestamp(min(first_at_ms) FILTER (WHERE is_accepted) / 1000.0),
      to_timestamp(max(last_at_ms) FILTER (WHERE is_accepted) / 1000.0)
    FROM ${marks} GROUP BY lineage_id ORDER BY lineage_id
    ON CONFLICT (lineage_id) DO UPDATE SET accepted = totals.accepted + excluded.accepted,
      refused = totals.refused + excluded.refused, first_used_at = least(totals.first_used_at, excluded.first_used_at),
      last_used_at = greatest(totals.last_used_at, excluded.last_used_at)`,
};
