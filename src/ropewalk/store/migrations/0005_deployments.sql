-- Which model version a deployment serves: its highest revision. Earlier revisions are its history, and the
-- primary key is the compare-and-set: two that move from one revision cannot both write the next.
CREATE TABLE deployment_revision (
    deployment TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    key_column TEXT NOT NULL,
    run_id TEXT,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (deployment, revision)
) STRICT, WITHOUT ROWID;
