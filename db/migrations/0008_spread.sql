-- How far runs lay from what was expected of them, beside how long they took: it says how sure an expected time is.
-- Of what was learned before nobody knows, so that it counts as after a single run.

ALTER TABLE rates ADD COLUMN spread REAL NOT NULL DEFAULT 0.3 CHECK (spread >= 0);
