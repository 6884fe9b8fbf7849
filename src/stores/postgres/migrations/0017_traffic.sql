-- Traffic of all keys together, for operators, kept in the transaction that counts a call for its
-- key: usage_hours and usage_days have a row for each key, so adding up a million of them takes
-- longer than a page should.

-- Writers of the old way come to their end first; later ones find their table gone and count anew:
-- no call is left out. In the order in which a roll-up takes them.
LOCK TABLE usage_hours, usage_days, accepted_calls IN SHARE MODE;

-- Calls of all keys by outcome, in shards by connection: what is being counted in one transaction
-- does not wait for another's commit.
CREATE TABLE traffic_hours (
  hour   timestamptz(0) NOT NULL,
  code   text COLLATE "C" NOT NULL,
  shard  integer NOT NULL,
  calls  bigint NOT NULL,
  PRIMARY KEY (hour, code, shard)
);

CREATE TABLE traffic_days (
  day    date NOT NULL,
  code   text COLLATE "C" NOT NULL,
  shard  integer NOT NULL,
  calls  bigint NOT NULL,
  PRIMARY KEY (day, code, shard)
);

INSERT INTO traffic_hours (hour, code, shard, calls)
SELECT hour, code, 0, sum(calls) FROM usage_hours GROUP BY hour, code;
INSERT INTO traffic_days (day, code, shard, calls)
SELECT day, code, 0, sum(calls) FROM usage_days GROUP BY day, code;

-- Its sums are the accepted ones of traffic_days.
DROP TABLE accepted_calls;

-- Calls of all keys of an organization. A line of keys bears the id of its first key.
CREATE TABLE organization_days (
  day              date NOT NULL,
  organization_id  text COLLATE "C" NOT NULL,
  accepted         bigint NOT NULL,
  refused          bigint NOT NULL,
  PRIMARY KEY (day, organization_id)
);

INSERT INTO organization_days (day, organization_id, accepted, refused)
SELECT day, organization_id, coalesce(sum(calls) FILTER (WHERE code IN ('VALID', 'SUPERSEDED')), 0),
  coalesce(sum(calls) FILTER (WHERE code NOT IN ('VALID', 'SUPERSEDED')), 0)
FROM usage_days JOIN api_keys ON api_keys.id = usage_days.lineage_id GROUP BY day, organization_id;

CREATE INDEX organization_days_top ON organization_days (day, accepted DESC, organization_id);

-- The most used keys of a day: of tenants and the platform, and hidden ones of users. A row is in
-- one of the two at most.
CREATE INDEX usage_days_top_shown ON usage_days (day, calls DESC, lineage_id)
  WHERE code = 'VALID' AND starts_with(lineage_id, 'ak_');
CREATE INDEX usage_days_top_hidden ON usage_days (day, calls DESC, lineage_id)
  WHERE code = 'VALID' AND starts_with(lineage_id, 'flk_');
