-- Whether a verifier tells which scopes it was asked for (docs/decisions/0056): an API process of
-- this release, or an embedded verifier that has reported them since it registered. Those of the
-- previous release do not, and nothing is called unasked while one of them has a lease.
ALTER TABLE verifiers ADD COLUMN reports_scopes boolean NOT NULL DEFAULT false;
