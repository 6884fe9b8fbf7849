-- A certificate rule is a master key without a secret: its credential is a client certificate that
-- names `certificate`, a SPIFFE id or a subject (docs/decisions/0037). One living rule for each, so
-- that a certificate never names two callers.
ALTER TABLE master_keys ADD COLUMN certificate text;

ALTER TABLE master_keys DROP CONSTRAINT master_keys_check1;
ALTER TABLE master_keys ADD CONSTRAINT master_keys_one_credential
  CHECK (num_nonnulls(digest, password_hash, certificate) = 1) NOT VALID;

CREATE UNIQUE INDEX master_keys_certificate ON master_keys (certificate) WHERE revoked_at IS NULL;
