-- Evaluation sets: inputs with what is expected of them; `schema` and `profile` are JSON that the server computes.
CREATE TABLE evaluation_set (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    updated_by TEXT
) STRICT;

CREATE TABLE evaluation_set_tag (
    evaluation_set TEXT NOT NULL REFERENCES evaluation_set (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (evaluation_set, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation_set_experiment (
    evaluation_set TEXT NOT NULL REFERENCES evaluation_set (id) ON DELETE CASCADE,
    experiment INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (evaluation_set, experiment)
) STRICT, WITHOUT ROWID;
CREATE INDEX evaluation_set_by_experiment ON evaluation_set_experiment (experiment);

-- `inputs_digest` makes two records with the same inputs one; the five documents are JSON.
CREATE TABLE evaluation_record (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    evaluation_set TEXT NOT NULL REFERENCES evaluation_set (id) ON DELETE CASCADE,
    inputs_digest TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT,
    expectations TEXT,
    tags TEXT,
    source TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    updated_by TEXT,
    UNIQUE (evaluation_set, inputs_digest)
) STRICT;
CREATE INDEX evaluation_record_by_set ON evaluation_record (evaluation_set, number);

-- Scorers are texts that clients wrote: kept and given back, never read as code. `sample_rate` is of the traces to score.
CREATE TABLE scorer (
    id TEXT PRIMARY KEY,
    experiment INTEGER NOT NULL,
    name TEXT NOT NULL,
    last_version INTEGER NOT NULL,
    sampling TEXT,
    sample_rate REAL,
    sample_filter TEXT,
    UNIQUE (experiment, name)
) STRICT;

CREATE TABLE scorer_version (
    scorer TEXT NOT NULL REFERENCES scorer (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    serialized TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scorer, version)
) STRICT;

-- Faults that somebody found in what an experiment's runs and traces do; `rank` orders by severity.
CREATE TABLE quality_issue (
    id TEXT PRIMARY KEY,
    experiment INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT,
    rank INTEGER NOT NULL,
    root_causes TEXT NOT NULL,
    categories TEXT NOT NULL,
    source_run_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT
) STRICT;
CREATE INDEX quality_issue_by_experiment ON quality_issue (experiment, created_at);

-- Keys of model providers: `sealed` opens only with the server's key, `masked` is all that is ever shown.
CREATE TABLE gateway_secret (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    masked TEXT NOT NULL,
    provider TEXT,
    auth_config TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    updated_by TEXT
) STRICT;

CREATE TABLE gateway_model (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    secret TEXT REFERENCES gateway_secret (id) ON DELETE SET NULL,
    provider TEXT NOT NULL,
    model_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    updated_by TEXT
) STRICT;
CREATE INDEX gateway_model_by_secret ON gateway_model (secret);

CREATE TABLE gateway_endpoint (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    routing_strategy TEXT,
    has_fallback INTEGER NOT NULL,
    fallback_strategy TEXT,
    fallback_attempts INTEGER,
    experiment INTEGER,
    is_tracked INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    updated_by TEXT
) STRICT;

CREATE TABLE gateway_route (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL REFERENCES gateway_endpoint (id) ON DELETE CASCADE,
    model TEXT NOT NULL REFERENCES gateway_model (id),
    linkage TEXT NOT NULL,
    weight REAL NOT NULL,
    fallback_order INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT,
    UNIQUE (endpoint, model, linkage)
) STRICT;
CREATE INDEX gateway_route_by_model ON gateway_route (model);

CREATE TABLE gateway_endpoint_tag (
    endpoint TEXT NOT NULL REFERENCES gateway_endpoint (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (endpoint, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE gateway_binding (
    endpoint TEXT NOT NULL REFERENCES gateway_endpoint (id) ON DELETE CASCADE,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    updated_by TEXT,
    PRIMARY KEY (endpoint, resource_type, resource_id)
) STRICT, WITHOUT ROWID;
