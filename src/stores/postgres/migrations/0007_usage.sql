-- Counted calls, summed by hour and by UTC day, for each line of keys and each outcome; partitioned
-- by month so that old months are dropped instead of deleted.
CREATE TABLE usage_hours (
  lineage_id  text COLLATE "C" NOT NULL,
  hour        timestamptz(0) NOT NULL,
  code        text COLLATE "C" NOT NULL,
  calls       bigint NOT NULL,
  cost        bigint NOT NULL,
  PRIMARY KEY (lineage_id, hour, code)
) PARTITION BY RANGE (hour);

CREATE TABLE usage_days (
  lineage_id  text COLLATE "C" NOT NULL,
  day         date NOT NULL,
  code        text COLLATE "C" NOT NULL,
  calls       bigint NOT NULL,
  cost        bigint NOT NULL,
  PRIMARY KEY (lineage_id, day, code)
) PARTITION BY RANGE (day);

CREATE TABLE usage_totals (
  lineage_id     text COLLATE "C" PRIMARY KEY,
  accepted       bigint NOT NULL DEFAULT 0,
  refused        bigint NOT NULL DEFAULT 0,
  first_used_at  timestamptz(3),
  last_used_at   timestamptz(3)
);

-- The flushes that are already in the sums: inserting the id and adding the sums is one
-- transaction, so that a flush which is delivered or drained twice counts once.
CREATE TABLE usage_flushes (
  id          uuid PRIMARY KEY,
  drained_at  timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX usage_flushes_drained ON usage_flushes (drained_at);

-- Makes the monthly partitions from one month to another, both included. Safe to repeat, and for
-- several callers at once: the advisory lock keeps them from creating the same table.
CREATE FUNCTION ensure_usage_partitions(from_month date, to_month date) RETURNS void LANGUAGE plpgsql AS $$
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
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
          partition, parent,
          CASE parent WHEN 'usage_hours' THEN first_day::text || ' 00:00:00+00' ELSE first_day::text END,
          CASE parent WHEN 'usage_hours' THEN next_day::text || ' 00:00:00+00' ELSE next_day::text END);
      END IF;
    END LOOP;
    first_day := next_day;
  END LOOP;
END
$$;

SELECT ensure_usage_partitions((now() AT TIME ZONE 'UTC')::date, ((now() AT TIME ZONE 'UTC') + interval '2 months')::date);
