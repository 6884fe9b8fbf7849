-- The watch of the event key.rotation_due (docs/decisions/0055): a key comes near the longest age
-- that its organization or its master key sets. It walks through all keys as the watch of key.stale
-- does (migration 0063), because the due dates are computed and stored nowhere.
INSERT INTO event_watches (name) VALUES ('key.rotation_due');
