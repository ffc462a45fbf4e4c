-- What happened to models, their versions and aliases: only ever added to, and kept when what it is about is gone.
-- `state_before` and `state_after` are what changed (a version's number, a stage, a text); `reason` is a person's own.
CREATE TABLE registry_event (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version INTEGER,
    alias TEXT,
    what TEXT NOT NULL,
    state_before TEXT,
    state_after TEXT,
    actor TEXT NOT NULL,
    reason TEXT,
    happened_at INTEGER NOT NULL
) STRICT;
CREATE INDEX registry_event_by_model ON registry_event (model, version, id);

-- What was read of a version's files: `report` is a JSON object; `state` says whether anybody may load them.
CREATE TABLE version_reading (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('known', 'quarantined', 'allowed')),
    report TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (model, version),
    FOREIGN KEY (model, version) REFERENCES model_version (model, version) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
