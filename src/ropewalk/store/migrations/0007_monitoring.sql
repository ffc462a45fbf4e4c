-- What the training data of a model version looked like (JSON), to compare predictions' columns with.
CREATE TABLE reference_profile (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    profile TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (model, version)
) STRICT, WITHOUT ROWID;

-- The figures of one window of one deployment, replaced when they are computed again.
CREATE TABLE monitor_window (
    deployment TEXT NOT NULL,
    -- The window as people write it (`2013-11`, `2013-W45`, `2013-11-03`) and its start in UTC.
    name TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    model_version TEXT NOT NULL,
    predictions INTEGER NOT NULL,
    labelled INTEGER NOT NULL,
    quality TEXT NOT NULL CHECK (quality IN ('pending', 'thin', 'measured')),
    mean_prediction REAL,
    positive_rate REAL,
    reference_rate REAL,
    auc REAL,
    brier REAL,
    log_loss REAL,
    worst_psi REAL,
    worst_column TEXT,
    -- JSON object: column -> PSI.
    drift TEXT NOT NULL,
    -- JSON array of the limits that this window breaks.
    breaches TEXT NOT NULL,
    computed_at INTEGER NOT NULL,
    PRIMARY KEY (deployment, name)
) STRICT, WITHOUT ROWID;

-- A limit that a window breaks, raised once; cleared when the figures, computed again, no longer break it.
CREATE TABLE monitor_alert (
    fingerprint TEXT PRIMARY KEY,
    deployment TEXT NOT NULL,
    "window" TEXT NOT NULL,
    limit_name TEXT NOT NULL,
    value REAL NOT NULL,
    limit_value REAL NOT NULL,
    message TEXT NOT NULL,
    issue INTEGER,
    raised_at INTEGER NOT NULL,
    cleared_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX monitor_alert_by_deployment ON monitor_alert (deployment, "window");
