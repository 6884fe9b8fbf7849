-- Scopes that gateways ask for (docs/decisions/0056). The hygiene report names those of a key that
-- no gateway asks for any more.
--
-- asked_on  Last day, in UTC, on which an accepted verification asked for the scope. It may be a
-- day too early, since a process tells of a scope once a day.
CREATE TABLE asked_scopes (
  organization_id  text COLLATE "C" NOT NULL,
  scope            text COLLATE "C" NOT NULL,
  asked_on         date NOT NULL,
  PRIMARY KEY (organization_id, scope)
);

-- Since when all that gateways ask of an organization's keys is recorded. The later one of its own
-- row and of the row '*', which is of all organizations, counts.
--
-- since       Moved forward by each gap: a verifier that does not report, more scopes than are
-- kept.
-- checked_at  Of the row '*': when the worker last looked for such verifiers.
CREATE TABLE scope_records (
  organization_id  text COLLATE "C" PRIMARY KEY,
  since            timestamptz(3) NOT NULL,
  checked_at       timestamptz(3)
);
