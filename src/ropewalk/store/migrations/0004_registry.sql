-- Registered models; a version's number is never given twice, also when the version is deleted.
CREATE TABLE registered_model (
    name TEXT PRIMARY KEY,
    description TEXT,
    last_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE registered_model_tag (
    model TEXT NOT NULL REFERENCES registered_model (name) ON UPDATE CASCADE ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

-- `metrics` is a JSON object; `digest` is the content's; `location` is where clients download it.
CREATE TABLE model_version (
    model TEXT NOT NULL REFERENCES registered_model (name) ON UPDATE CASCADE ON DELETE CASCADE,
    version INTEGER NOT NULL,
    description TEXT,
    source TEXT NOT NULL,
    location TEXT NOT NULL,
    run_id TEXT,
    run_link TEXT,
    model_id TEXT,
    node_key TEXT,
    digest TEXT NOT NULL,
    metrics TEXT NOT NULL,
    stage TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (model, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_version_by_digest ON model_version (model, digest);
CREATE INDEX model_version_by_run ON model_version (run_id);

CREATE TABLE model_version_tag (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, version, key),
    FOREIGN KEY (model, version) REFERENCES model_version (model, version) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The files of a version as they were when it was registered: later writes to the artifacts do not change it.
CREATE TABLE model_version_file (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (model, version, path),
    FOREIGN KEY (model, version) REFERENCES model_version (model, version) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE model_alias (
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES model_version (model, version) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
