-- Traces: what an application did for one request, as a tree of spans. Satellite tables use a trace's short number.
CREATE TABLE trace (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    started_at INTEGER NOT NULL,
    duration_ms INTEGER,
    state TEXT NOT NULL CHECK (state IN ('STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS')),
    client_request_id TEXT,
    request_preview TEXT,
    response_preview TEXT
) STRICT;
CREATE INDEX trace_by_start ON trace (experiment, started_at DESC, id);

CREATE TABLE trace_tag (
    trace INTEGER NOT NULL REFERENCES trace (number),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    is_derived INTEGER NOT NULL,
    PRIMARY KEY (trace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_tag_by_value ON trace_tag (key, value, trace);

-- What is derived from spans gives way to what the client says itself.
CREATE TABLE trace_metadata (
    trace INTEGER NOT NULL REFERENCES trace (number),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    is_derived INTEGER NOT NULL,
    PRIMARY KEY (trace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_metadata_by_value ON trace_metadata (key, value, trace);

-- The spans of one export, compressed. `digest` makes an export that is sent again a no-op.
CREATE TABLE span_segment (
    id INTEGER PRIMARY KEY,
    trace INTEGER NOT NULL REFERENCES trace (number),
    digest BLOB NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (trace, digest)
) STRICT;

-- What is searched of each span; the span itself is in its segment.
CREATE TABLE span (
    trace INTEGER NOT NULL REFERENCES trace (number),
    id TEXT NOT NULL,
    parent TEXT,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ns INTEGER NOT NULL,
    ended_ns INTEGER,
    model TEXT,
    provider TEXT,
    segment INTEGER NOT NULL REFERENCES span_segment (id),
    PRIMARY KEY (trace, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX span_by_name ON span (name, trace);
CREATE INDEX span_by_segment ON span (segment);

-- Attributes as text. The empty key has what else a search for text finds: the span's name, message and events.
CREATE TABLE span_attribute (
    trace INTEGER NOT NULL REFERENCES trace (number),
    span TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace, span, key)
) STRICT, WITHOUT ROWID;

-- Tokens and costs of one span.
CREATE TABLE span_figure (
    trace INTEGER NOT NULL REFERENCES trace (number),
    span TEXT NOT NULL,
    key TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (trace, span, key)
) STRICT, WITHOUT ROWID;

-- What people, judges and code say of a trace. `value`, `error` and `metadata` are JSON; `compared` is the value as
-- filters compare it, `number` as averages count it; `session` is set when it speaks of a whole session.
CREATE TABLE assessment (
    trace INTEGER NOT NULL REFERENCES trace (number),
    id TEXT NOT NULL,
    span_id TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('feedback', 'expectation', 'issue')),
    name TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    compared TEXT NOT NULL,
    number REAL,
    error TEXT,
    rationale TEXT,
    metadata TEXT NOT NULL,
    overrides TEXT,
    is_valid INTEGER NOT NULL,
    session TEXT,
    PRIMARY KEY (trace, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX assessment_by_name ON assessment (kind, name, trace);

CREATE TABLE trace_run (
    trace INTEGER NOT NULL REFERENCES trace (number),
    run_id TEXT NOT NULL,
    PRIMARY KEY (trace, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_run_by_run ON trace_run (run_id, trace);

-- `prompt` is NAME/VERSION.
CREATE TABLE trace_prompt (
    trace INTEGER NOT NULL REFERENCES trace (number),
    prompt TEXT NOT NULL,
    PRIMARY KEY (trace, prompt)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_prompt_by_prompt ON trace_prompt (prompt, trace);
