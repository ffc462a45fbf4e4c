-- What the engine executed, and what is current in each environment.
CREATE TABLE pipeline_run (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
    git_commit TEXT,
    git_branch TEXT,
    is_dirty INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

-- One row per successful execution of a node under one key. `facts`, `outside`, `inputs` and `output` are JSON objects.
CREATE TABLE action (
    key TEXT PRIMARY KEY,
    -- The key under which the execution was started: what a kind wrote beside its content.
    task_key TEXT NOT NULL,
    node TEXT NOT NULL,
    facts TEXT NOT NULL,
    outside TEXT NOT NULL,
    inputs TEXT NOT NULL,
    output TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES pipeline_run (id),
    cpu_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    finished_at INTEGER NOT NULL
) STRICT;
CREATE INDEX action_by_node ON action (node, finished_at);

-- One row per node that a run executed or tried to.
CREATE TABLE node_run (
    run_id TEXT NOT NULL REFERENCES pipeline_run (id),
    node TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('executed', 'failed', 'blocked')),
    reasons TEXT NOT NULL,
    error TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, node)
) STRICT, WITHOUT ROWID;

-- The action that is current for a node in an environment.
CREATE TABLE environment_pointer (
    environment TEXT NOT NULL,
    node TEXT NOT NULL,
    action_key TEXT NOT NULL REFERENCES action (key),
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (environment, node)
) STRICT, WITHOUT ROWID;
