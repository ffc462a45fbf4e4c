-- Which model version a deployment serves in an environment: its highest revision there. Earlier revisions are its
-- history, and the primary key is the compare-and-set: two that move from one revision cannot both write the next.
CREATE TABLE deployment_revision_next (
    environment TEXT NOT NULL,
    deployment TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    key_column TEXT NOT NULL,
    run_id TEXT,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (environment, deployment, revision)
) STRICT, WITHOUT ROWID;
-- Until now a deployment was one for all environments, and `dev` was the one that runs move by default.
INSERT INTO deployment_revision_next
    (environment, deployment, revision, model, version, digest, key_column, run_id, moved_at)
    SELECT 'dev', deployment, revision, model, version, digest, key_column, run_id, moved_at FROM deployment_revision;
DROP TABLE deployment_revision;
ALTER TABLE deployment_revision_next RENAME TO deployment_revision;
-- A version that was tried in one environment need not be tried again in the next.
CREATE INDEX deployment_revision_by_version ON deployment_revision (model, version);
