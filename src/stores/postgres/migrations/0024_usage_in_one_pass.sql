-- Counting costs a third: no index on a number that every call changes, and room in a page for the
-- next version of its rows.

-- The sum of two counts, neither of them negative. Ends at the largest bigint instead of failing:
-- one sum that overflowed would stop the counting of all keys.
CREATE FUNCTION saturating_sum(one bigint, other bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT CASE WHEN one > 9223372036854775807 - other THEN 9223372036854775807 ELSE one + other END $$;

-- The most used keys of a day, in place of two indexes on usage_days that every count had to write.
-- Each transaction that counts writes down the highest thousand of the keys that it counted. Counts
-- only grow, so a key that is among the highest thousand of all was among the highest thousand of
-- the transaction that counted it last: the first thousand here are exact. What lies beyond them
-- may be old.
CREATE TABLE usage_tops (
  day         date NOT NULL,
  lineage_id  text COLLATE "C" NOT NULL,
  is_hidden   boolean NOT NULL,
  calls       bigint NOT NULL,
  PRIMARY KEY (day, lineage_id)
);

CREATE INDEX usage_tops_order ON usage_tops (day, is_hidden, calls DESC, lineage_id);

INSERT INTO usage_tops (day, lineage_id, is_hidden, calls)
SELECT days.day, top.lineage_id, false, top.calls FROM (SELECT DISTINCT day FROM traffic_days) AS days CROSS JOIN LATERAL (
  SELECT usage_days.lineage_id, calls FROM usage_days JOIN api_keys ON api_keys.id = usage_days.lineage_id AND kind IN ('tenant', 'platform')
  WHERE usage_days.day = days.day AND code = 'VALID' AND starts_with(usage_days.lineage_id, 'ak_')
  ORDER BY calls DESC, usage_days.lineage_id LIMIT 1000) AS top;

INSERT INTO usage_tops (day, lineage_id, is_hidden, calls)
SELECT days.day, top.lineage_id, true, top.calls FROM (SELECT DISTINCT day FROM traffic_days) AS days CROSS JOIN LATERAL (
  SELECT usage_days.lineage_id, calls FROM usage_days JOIN api_keys ON api_keys.id = usage_days.lineage_id AND kind = 'user'
  WHERE usage_days.day = days.day AND code = 'VALID' AND starts_with(usage_days.lineage_id, 'flk_')
  ORDER BY calls DESC, usage_days.lineage_id LIMIT 1000) AS top;

-- A fifth of each page is left for newer versions of its rows. A version that stays in its page
-- needs no new index entry.
CREATE OR REPLACE FUNCTION ensure_usage_partitions(from_month date, to_month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  first_day date := date_trunc('month', from_month)::date;
  next_day date;
  partition text;
BEGIN
  WHILE first_day <= to_month LOOP
    next_day := (first_day + interval '1 month')::date;
    FOREACH parent IN ARRAY ARRAY['usage_hours', 'usage_days'] LOOP
      partition := parent || '_' || to_char(first_day, 'YYYY_MM');
      IF to_regclass(partition) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_usage_partitions'));
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 80)',
          partition, parent,
          CASE parent WHEN 'usage_hours' THEN first_day::text || ' 00:00:00+00' ELSE first_day::text END,
          CASE parent WHEN 'usage_hours' THEN next_day::text || ' 00:00:00+00' ELSE next_day::text END);
      END IF;
    END LOOP;
    first_day := next_day;
  END LOOP;
END
$$;

ALTER TABLE usage_totals SET (fillfactor = 80);

DO $$
DECLARE
  child regclass;
BEGIN
  FOR child IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent IN ('usage_hours'::regclass, 'usage_days'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 80)', child);
  END LOOP;
END
$$;

-- Last, because from here on until the commit nobody may read usage_days.
DROP INDEX usage_days_top_shown, usage_days_top_hidden;
