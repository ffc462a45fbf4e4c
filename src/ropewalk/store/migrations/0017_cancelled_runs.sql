-- A run that somebody ended. To programs of before it is one that failed, as it always was.
ALTER TABLE pipeline_run ADD COLUMN was_cancelled INTEGER NOT NULL DEFAULT 0 CHECK (was_cancelled IN (0, 1));
