-- Experiments, runs and what they log. Satellite tables use a run's short number, not its id.
CREATE TABLE experiment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    artifact_location TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('active', 'deleted')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
INSERT INTO experiment (id, name, artifact_location, stage, created_at, updated_at)
VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', unixepoch() * 1000, unixepoch() * 1000);

CREATE TABLE experiment_tag (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED')),
    stage TEXT NOT NULL CHECK (stage IN ('active', 'deleted')),
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX run_by_start ON run (experiment, stage, started_at DESC, id);

CREATE TABLE run_param (
    run INTEGER NOT NULL REFERENCES run (number),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_param_by_value ON run_param (key, value, run);

CREATE TABLE run_tag (
    run INTEGER NOT NULL REFERENCES run (number),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tag_by_value ON run_tag (key, value, run);

CREATE TABLE metric_key (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One packed blob of points per batch and run. `digest` makes a batch that is sent again a no-op;
-- `sole_key` is set when all points are of one key, so that reading another key passes the blob over.
CREATE TABLE metric_segment (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (number),
    sole_key INTEGER REFERENCES metric_key (id),
    points INTEGER NOT NULL,
    digest BLOB NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (run, digest)
) STRICT;
CREATE INDEX metric_segment_by_key ON metric_segment (run, sole_key);

-- The newest point by (step, time, value) of each key. A NULL value is not a number.
CREATE TABLE latest_metric (
    run INTEGER NOT NULL REFERENCES run (number),
    key INTEGER NOT NULL REFERENCES metric_key (id),
    value REAL,
    step INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX latest_metric_by_value ON latest_metric (key, value, run);

CREATE TABLE dataset (
    id INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment, name, digest)
) STRICT;

-- `tags` is a JSON object.
CREATE TABLE run_dataset (
    run INTEGER NOT NULL REFERENCES run (number),
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    tags TEXT NOT NULL,
    PRIMARY KEY (run, dataset)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_model (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    model_type TEXT,
    source_run_id TEXT,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE INDEX logged_model_by_creation ON logged_model (experiment, created_at DESC, id);

CREATE TABLE logged_model_param (
    model INTEGER NOT NULL REFERENCES logged_model (number),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_model_tag (
    model INTEGER NOT NULL REFERENCES logged_model (number),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

-- The newest point of each key that a run logged for a model, per dataset (empty strings: for none).
CREATE TABLE logged_model_metric (
    model INTEGER NOT NULL REFERENCES logged_model (number),
    key TEXT NOT NULL,
    run_id TEXT NOT NULL,
    dataset_name TEXT NOT NULL,
    dataset_digest TEXT NOT NULL,
    value REAL,
    step INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (model, key, run_id, dataset_name, dataset_digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_model (
    run INTEGER NOT NULL REFERENCES run (number),
    role TEXT NOT NULL CHECK (role IN ('input', 'output')),
    model_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (run, role, model_id)
) STRICT, WITHOUT ROWID;

-- The manifest of all artifacts: which object stands at which path.
CREATE TABLE artifact (
    path TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
