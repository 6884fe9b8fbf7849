-- A master key without a secret (docs/decisions/0037): its credential is a client certificate that
-- names `certificate`, a SPIFFE id or a subject; or a token of `token_issuer` for `token_audience`
-- whose subject matches `token_subject`. One living rule for each, so that a credential never names
-- two callers.
-- upgrade: refuses master_keys: the previous release sets none of these columns
-- upgrade: blocks master_keys: one row for each backend and gateway
ALTER TABLE master_keys
  ADD COLUMN certificate text,
  ADD COLUMN token_issuer text,
  ADD COLUMN token_audience text,
  ADD COLUMN token_subject text;

ALTER TABLE master_keys DROP CONSTRAINT master_keys_check1;
ALTER TABLE master_keys ADD CONSTRAINT master_keys_one_credential
  CHECK (num_nonnulls(digest, password_hash, certificate, token_issuer) = 1) NOT VALID;
ALTER TABLE master_keys ADD CONSTRAINT master_keys_whole_token_rule
  CHECK (num_nonnulls(token_issuer, token_audience, token_subject) IN (0, 3)) NOT VALID;

CREATE UNIQUE INDEX master_keys_certificate ON master_keys (certificate) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX master_keys_token_rule ON master_keys (token_issuer, token_audience, token_subject)
  WHERE revoked_at IS NULL;
