-- Looking after runs: the extremes of each metric, when things went to the trash, and what is being removed for good.

-- The least and the greatest value of each key, NULL when none is a number. Where `has_extremes` is 0, the key was
-- logged before they were kept, and its points still have to be read for them.
ALTER TABLE latest_metric ADD COLUMN least REAL;
ALTER TABLE latest_metric ADD COLUMN greatest REAL;
ALTER TABLE latest_metric ADD COLUMN has_extremes INTEGER NOT NULL DEFAULT 0;

-- Where the files of a run or model are that was moved from another experiment; NULL where they follow from its ids.
ALTER TABLE run ADD COLUMN artifact_root TEXT;
ALTER TABLE logged_model ADD COLUMN artifact_root TEXT;

-- NULL unless it is in the trash; what was there before this was kept counts as thrown away now.
ALTER TABLE run ADD COLUMN deleted_at INTEGER;
ALTER TABLE experiment ADD COLUMN deleted_at INTEGER;
UPDATE run SET deleted_at = unixepoch() * 1000 WHERE stage = 'deleted';
UPDATE experiment SET deleted_at = unixepoch() * 1000 WHERE stage = 'deleted';
CREATE INDEX run_in_trash ON run (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX run_at_work ON run (number) WHERE ended_at IS NULL;

-- Runs of which parts are removed already: they cannot come back, and whoever collects next removes the rest.
CREATE TABLE doomed_run (
    run INTEGER PRIMARY KEY REFERENCES run (number),
    doomed_at INTEGER NOT NULL
) STRICT;
