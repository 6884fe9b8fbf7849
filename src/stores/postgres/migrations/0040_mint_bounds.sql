-- Counts of keys by the master key that minted them, and bounds for what one may mint
-- (docs/decisions/0042).

-- Living (active) and all user keys by master key and organization. Counting a million keys takes
-- longer than a page may. One row for each count would put all mints of a master key into one
-- line: so a statement that changes keys appends its differences (minted_key_count_changes), and
-- the worker folds them into the counts. A count is the sum of both, read in one statement.
CREATE TABLE minted_key_counts (
  master_key_id    text COLLATE "C" NOT NULL,
  organization_id  text COLLATE "C" NOT NULL,
  living           bigint NOT NULL,
  total            bigint NOT NULL,
  PRIMARY KEY (master_key_id, organization_id)
) WITH (fillfactor = 80);

-- The same, of all organizations: a bound is checked against this sum.
CREATE TABLE minted_key_totals (
  master_key_id  text COLLATE "C" PRIMARY KEY,
  living         bigint NOT NULL,
  total          bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE minted_key_count_changes (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  master_key_id    text COLLATE "C" NOT NULL,
  organization_id  text COLLATE "C" NOT NULL,
  living           bigint NOT NULL,
  total            bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
CREATE INDEX minted_key_count_changes_master_key ON minted_key_count_changes (master_key_id);

-- Both run as their owner: an organization's own statements on api_keys (migration 0013) call them.
CREATE FUNCTION count_inserted_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO minted_key_count_changes (master_key_id, organization_id, living, total)
  SELECT minted_by, organization_id, count(*) FILTER (WHERE status = 'active'), count(*)
  FROM new_rows WHERE minted_by IS NOT NULL AND kind = 'user' GROUP BY minted_by, organization_id;
  RETURN NULL;
END
$$;

CREATE FUNCTION count_changed_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO minted_key_count_changes (master_key_id, organization_id, living, total)
  SELECT minted_by, organization_id, sum(living), sum(total)
  FROM (
    SELECT minted_by, organization_id, (status = 'active')::integer AS living, 1 AS total
    FROM new_rows WHERE minted_by IS NOT NULL AND kind = 'user'
    UNION ALL
    SELECT minted_by, organization_id, -(status = 'active')::integer, -1
    FROM old_rows WHERE minted_by IS NOT NULL AND kind = 'user'
  ) AS differences
  GROUP BY minted_by, organization_id HAVING sum(living) <> 0 OR sum(total) <> 0;
  RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_count_inserted AFTER INSERT ON api_keys
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_keys();
CREATE TRIGGER api_keys_count_updated AFTER UPDATE ON api_keys
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_changed_keys();

-- Bounds of a master key; most have none, and no row. Quota periods are those of UTC.
-- told_mints and told_living  The last step (80 or 100 %) for which there is an audit event.
CREATE TABLE master_key_bounds (
  master_key_id  text COLLATE "C" PRIMARY KEY,
  mint_limit     bigint,
  mint_period    text CHECK (mint_period IN ('minute', 'hour', 'day')),
  living_max     bigint,
  period_start   timestamptz(3) NOT NULL DEFAULT '-infinity',
  minted         bigint NOT NULL DEFAULT 0,
  told_mints     smallint NOT NULL DEFAULT 0,
  told_living    smallint NOT NULL DEFAULT 0,
  CHECK ((mint_limit IS NULL) = (mint_period IS NULL))
) WITH (fillfactor = 50);

-- Locks the bounds of master keys until the commit, and says how much each may still mint. Only
-- mints of a bounded master key wait for each other. The caller gives the ids in their order, so
-- that two statements cannot wait in a circle.
--
-- VOLATILE matters: each query gets a snapshot of its own. So what an earlier holder of the lock
-- has minted is counted, also from the middle of a larger statement.
--
-- A key past its expiry counts as living until the sweep: those are looked for near the bound.
CREATE FUNCTION hold_mint_bounds(ids text[])
RETURNS TABLE (bounded_id text, mint_limit bigint, mint_period text, mints_left bigint, resets_in integer,
  living_max bigint, living bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  held_id text;
  bounds master_key_bounds;
  at timestamptz;
  period timestamptz;
  living_near constant integer := 1000;
BEGIN
  FOREACH held_id IN ARRAY ids LOOP
    SELECT * INTO bounds FROM master_key_bounds WHERE master_key_id = held_id FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    bounded_id := held_id;
    mint_limit := bounds.mint_limit;
    mint_period := bounds.mint_period;
    living_max := bounds.living_max;
    mints_left := NULL;
    living := NULL;
    IF mint_limit IS NOT NULL THEN
      at := clock_timestamp();
      period := date_trunc(mint_period, at, 'UTC');
      IF period > bounds.period_start THEN
        UPDATE master_key_bounds SET period_start = period, minted = 0, told_mints = 0 WHERE master_key_id = held_id;
        bounds.minted := 0;
      END IF;
      mints_left := mint_limit - bounds.minted;
      resets_in := ceil(extract(epoch FROM period + ('1 ' || mint_period)::interval - at));
    END IF;
    IF living_max IS NOT NULL THEN
      SELECT coalesce(sum(known.living), 0) INTO living FROM (
        SELECT totals.living FROM minted_key_totals AS totals WHERE totals.master_key_id = held_id
        UNION ALL
        SELECT changes.living FROM minted_key_count_changes AS changes WHERE changes.master_key_id = held_id
      ) AS known;
      IF living > living_max - living_near THEN
        living := living - (SELECT count(*) FROM api_keys
          WHERE status = 'active' AND expires_at IS NOT NULL AND expires_at <= clock_timestamp()
            AND minted_by = held_id AND kind = 'user');
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;

-- Appends the audit events of a bound for the steps of 80 and 100 % that it has reached, unless
-- there is one. Returns the highest step told. origin  The event of one of the mints.
CREATE FUNCTION tell_mint_bound(origin audit_events, bounded_id text, used bigint, bound bigint, told smallint,
  facts jsonb)
RETURNS smallint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  step smallint;
BEGIN
  FOREACH step IN ARRAY ARRAY[80, 100]::smallint[] LOOP
    CONTINUE WHEN step <= told OR used * 100 < bound * step;
    INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at)
    VALUES (left(origin.id, -13) || left(md5(origin.id || (facts ->> 'bound') || step), 13),
      'master_key.mint_quota.reached', origin.actor_kind, origin.actor_id, NULL, bounded_id, origin.request_id,
      origin.on_behalf_of, origin.result, facts || jsonb_build_object('percent', step, 'limit', bound),
      origin.created_at);
    told := step;
  END LOOP;
  RETURN told;
END
$$;

-- Counts mints against the bounds that hold_mint_bounds has locked, and tells of 80 and of 100 %:
-- of a quota once for each period and step; of living keys once for each step, until they have
-- fallen below 70 %. living  Their number with these mints.
CREATE FUNCTION spend_mint_bounds(spent_id text, mints bigint, living bigint, origin audit_events) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  bounds master_key_bounds;
BEGIN
  SELECT * INTO bounds FROM master_key_bounds WHERE master_key_id = spent_id;
  bounds.minted := bounds.minted + mints;
  IF bounds.mint_limit IS NOT NULL THEN
    bounds.told_mints := tell_mint_bound(origin, spent_id, bounds.minted, bounds.mint_limit, bounds.told_mints,
      jsonb_build_object('bound', 'mint_quota', 'period', bounds.mint_period, 'minted', bounds.minted));
  END IF;
  IF bounds.living_max IS NOT NULL THEN
    IF living * 100 < bounds.living_max * 70 THEN
      bounds.told_living := 0;
    END IF;
    bounds.told_living := tell_mint_bound(origin, spent_id, living, bounds.living_max, bounds.told_living,
      jsonb_build_object('bound', 'living_keys_max', 'living', living));
  END IF;
  UPDATE master_key_bounds SET minted = bounds.minted, told_mints = bounds.told_mints, told_living = bounds.told_living
  WHERE master_key_id = spent_id;
END
$$;

-- Where the fill of minted_by has come to, for keys that are older than the column or were minted
-- by the previous release. after_id  The last key that this pass has looked at. pass_from  Where it
-- began.
-- left_out  Keys of this pass that another transaction had locked.
CREATE TABLE minted_by_fill (
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  after_id    text COLLATE "C" NOT NULL DEFAULT '',
  pass_from   text COLLATE "C" NOT NULL DEFAULT '',
  filled      bigint NOT NULL DEFAULT 0,
  left_out    bigint NOT NULL DEFAULT 0,
  rests_until timestamptz(3) NOT NULL DEFAULT '-infinity',
  first_pass_at timestamptz(3)
);
INSERT INTO minted_by_fill DEFAULT VALUES;
