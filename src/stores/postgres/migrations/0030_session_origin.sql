-- How a session began, so that its owner recognizes it in a list, and when its owner was last asked
-- who they are.
--
-- method         Until now there was one: the password. An older process, which still runs during
--                an upgrade, knows no other, so the default stays.
-- second_factor  The kind that was used; null when none was.
-- address        Of the caller who began it; null when unknown, also for sessions older than this.
-- user_agent     As the caller sent it, cut and cleaned; null likewise.
-- confirmed_at   The last proof of who the owner is: the login, or a step-up since. Null, from an
--                older process, counts as long ago.
--
-- upgrade: blocks platform_sessions: one row for each log-in of an operator that has not ended
ALTER TABLE platform_sessions
  ADD COLUMN method        text NOT NULL DEFAULT 'password',
  ADD COLUMN second_factor text,
  ADD COLUMN address       text,
  ADD COLUMN user_agent    text,
  ADD COLUMN confirmed_at  timestamptz(3);

UPDATE platform_sessions SET confirmed_at = created_at;
