-- Environments are named sets of pointers. `version` counts the changes of the set: compare-and-set is against it.
CREATE TABLE environment (
    name TEXT PRIMARY KEY,
    -- The environment whose pointers were copied when this one was made.
    base TEXT,
    version INTEGER NOT NULL,
    -- Digest of the release that was applied last.
    release TEXT,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO environment (name, base, version, release, created_at, used_at)
    SELECT environment, NULL, 1, NULL, min(moved_at), max(moved_at) FROM environment_pointer GROUP BY environment;

-- Every move of a pointer, never changed: the history of an environment, and the way back.
CREATE TABLE environment_change (
    environment TEXT NOT NULL,
    version INTEGER NOT NULL,
    node TEXT NOT NULL,
    -- NULL: the pointer was removed.
    action_key TEXT,
    -- `run:ID`, `release:DIGEST` or `base:NAME`.
    cause TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (environment, version, node)
) STRICT, WITHOUT ROWID;

-- Who is doing something that must be done once. A holder that stops raising `beat` has died.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    -- Host and boot, then process and its start: two processes are never told apart by a number alone.
    host TEXT NOT NULL,
    process TEXT NOT NULL,
    beat INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What content each input had and where it was: JSON, name -> reference.
ALTER TABLE action ADD COLUMN input_references TEXT NOT NULL DEFAULT '{}';
CREATE INDEX action_by_task_key ON action (task_key, finished_at);

-- What asked for the run (`person`, `schedule:NAME`, `plan:ID`, `sweep:ID`), and the parameters it overrode, as JSON.
ALTER TABLE pipeline_run ADD COLUMN cause TEXT NOT NULL DEFAULT 'person';
ALTER TABLE pipeline_run ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';

-- The states of a node in a run are the engine's words; a list here would have to be changed with them.
CREATE TABLE node_run_next (
    run_id TEXT NOT NULL REFERENCES pipeline_run (id),
    node TEXT NOT NULL,
    state TEXT NOT NULL,
    reasons TEXT NOT NULL,
    error TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    -- The action that was executed or restored.
    action_key TEXT,
    attempts INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (run_id, node)
) STRICT, WITHOUT ROWID;
INSERT INTO node_run_next (run_id, node, state, reasons, error, started_at, finished_at)
    SELECT run_id, node, state, reasons, error, started_at, finished_at FROM node_run;
DROP TABLE node_run;
ALTER TABLE node_run_next RENAME TO node_run;

-- A due time of a schedule that some scheduler has claimed: inserting the row is the claim.
CREATE TABLE schedule_tick (
    schedule TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    -- The cron line and time zone that made it due: times of an earlier rule are not made up for under a new one.
    rule TEXT NOT NULL,
    state TEXT NOT NULL,
    run_id TEXT,
    claimed_at INTEGER NOT NULL,
    finished_at INTEGER,
    error TEXT,
    PRIMARY KEY (schedule, due_at)
) STRICT, WITHOUT ROWID;
