-- Organizations (tenants) and their environments. An organization is never removed, only marked:
-- its keys refer to it, and "deleted" must go on refusing them.
CREATE TABLE organizations (
  id          text COLLATE "C" PRIMARY KEY,
  name        text NOT NULL,
  status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
  revision    bigint NOT NULL DEFAULT 1,
  created_at  timestamptz(3) NOT NULL,
  updated_at  timestamptz(3) NOT NULL
);

-- Index for a starting verifier: the few organizations whose keys are refused.
CREATE INDEX organizations_refused ON organizations (id) WHERE status <> 'active';

CREATE TABLE environments (
  id               text COLLATE "C" PRIMARY KEY,
  organization_id  text COLLATE "C" NOT NULL REFERENCES organizations (id),
  slug             text COLLATE "C" NOT NULL,
  created_at       timestamptz(3) NOT NULL,
  UNIQUE (organization_id, slug)
);
