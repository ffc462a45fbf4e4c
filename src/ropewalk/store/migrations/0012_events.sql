-- Who is told of changes. `events` is a JSON list of `entity.action`; `secret` is sealed.
CREATE TABLE webhook (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secret BLOB,
    status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- What is to be told to whom, written in the transaction of the change itself. `content` is the body as it is sent;
-- `answer` is the last HTTP status, `problem` why it was not delivered.
CREATE TABLE webhook_delivery (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    webhook INTEGER NOT NULL REFERENCES webhook (number) ON DELETE CASCADE,
    event TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    answer INTEGER,
    problem TEXT
) STRICT;
CREATE INDEX webhook_delivery_by_due ON webhook_delivery (state, due_at, number);
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook, number);

-- Uploads in parts that are not finished. `expires_at` moves on with each part.
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    parts INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_by_expiry ON upload (expires_at);

-- The parts that have arrived, as objects of the store; a part that is sent again takes the place of the first.
CREATE TABLE upload_part (
    upload TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

-- Keys that all servers of this database share, for what is handed out and comes back, such as page tokens. What the
-- database itself must not give away is sealed under another key, which is not in it.
CREATE TABLE server_key (
    purpose TEXT PRIMARY KEY,
    key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
