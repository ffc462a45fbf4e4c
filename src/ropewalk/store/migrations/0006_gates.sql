-- One row per bound of a gate's condition, as judged once for one candidate (the gate's action key).
CREATE TABLE gate_result (
    action_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    gate TEXT NOT NULL,
    run_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    -- NULL stands for a metric that was not a finite number.
    value REAL,
    bound TEXT NOT NULL CHECK (bound IN ('min', 'max', 'max_drop', 'max_rise')),
    bound_value REAL NOT NULL,
    baseline REAL,
    baseline_version INTEGER,
    verdict TEXT NOT NULL CHECK (verdict IN ('passed', 'failed', 'not compared')),
    reason TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (action_key, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX gate_result_by_gate ON gate_result (gate, decided_at);
