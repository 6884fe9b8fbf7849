-- Row-level security: statements for a tenant run as a role that can see nothing of another tenant,
-- whatever they say. The service takes the role on inside the transaction (SET LOCAL ROLE) and
-- names the organization in flowplate.organization_id; without a name there are no rows. Roles
-- belong to the whole server: another database of it, or an administrator, may have made this one
-- already.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'flowplate_tenant') THEN
    CREATE ROLE flowplate_tenant NOLOGIN NOINHERIT;
  END IF;
  IF NOT pg_has_role(current_user, 'flowplate_tenant', 'MEMBER') THEN
    EXECUTE format('GRANT flowplate_tenant TO %I', current_user);
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN
    NULL;
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'The role flowplate_tenant is missing and % may not create it', current_user
      USING HINT = format('As an administrator: CREATE ROLE flowplate_tenant NOLOGIN; GRANT flowplate_tenant TO %I;', current_user);
END
$$;

CREATE FUNCTION current_tenant() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('flowplate.organization_id', true), '') $$;

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE environments ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE key_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON organizations FOR SELECT TO flowplate_tenant USING (id = current_tenant());
CREATE POLICY own_environments ON environments TO flowplate_tenant
  USING (organization_id = current_tenant()) WITH CHECK (organization_id = current_tenant());
-- Hidden user keys are nobody's but the platform's.
CREATE POLICY own_keys ON api_keys TO flowplate_tenant
  USING (organization_id = current_tenant() AND kind = 'tenant')
  WITH CHECK (organization_id = current_tenant() AND kind = 'tenant');
CREATE POLICY own_audit_events ON audit_events FOR INSERT TO flowplate_tenant
  WITH CHECK (organization_id = current_tenant());
-- The feed may be appended to, for keys; of what stands in it the grant below shows numbers alone.
CREATE POLICY feed_position ON key_changes FOR SELECT TO flowplate_tenant USING (true);
CREATE POLICY feed_keys ON key_changes FOR INSERT TO flowplate_tenant WITH CHECK (kind = 'key' AND status IS NULL);
-- An answer is kept, and one past its day makes room for it; those that count are out of sight. A
-- minute less than the day, for the service's clock and this one may differ.
CREATE POLICY kept_answers ON idempotency_keys FOR INSERT TO flowplate_tenant WITH CHECK (true);
CREATE POLICY past_answers ON idempotency_keys FOR SELECT TO flowplate_tenant
  USING (created_at < clock_timestamp() - interval '23 hours 59 minutes');
CREATE POLICY past_answers_go ON idempotency_keys FOR DELETE TO flowplate_tenant
  USING (created_at < clock_timestamp() - interval '23 hours 59 minutes');

-- Counts name only a line of keys; the keys of a tenant begin a line each.
ALTER TABLE usage_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_hours ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_totals ON usage_totals FOR SELECT TO flowplate_tenant
  USING (EXISTS (SELECT FROM api_keys WHERE api_keys.id = usage_totals.lineage_id));
CREATE POLICY own_days ON usage_days FOR SELECT TO flowplate_tenant
  USING (EXISTS (SELECT FROM api_keys WHERE api_keys.id = usage_days.lineage_id));
CREATE POLICY own_hours ON usage_hours FOR SELECT TO flowplate_tenant
  USING (EXISTS (SELECT FROM api_keys WHERE api_keys.id = usage_hours.lineage_id));

GRANT SELECT ON organizations TO flowplate_tenant;
-- A role that may update no column may lock no row either, and a key that is being made locks its
-- environment.
GRANT SELECT, INSERT, UPDATE (created_at), DELETE ON environments TO flowplate_tenant;
-- Columns that a change of a key's state writes; its owner and its rights never change.
GRANT SELECT, INSERT, UPDATE (status, revoked_at, updated_at, revision), DELETE ON api_keys TO flowplate_tenant;
GRANT INSERT ON audit_events TO flowplate_tenant;
GRANT SELECT (seq), INSERT (kind, subject_id, revision, status) ON key_changes TO flowplate_tenant;
GRANT SELECT ON usage_totals, usage_days, usage_hours TO flowplate_tenant;
GRANT SELECT (id, created_at), INSERT, DELETE ON idempotency_keys TO flowplate_tenant;
