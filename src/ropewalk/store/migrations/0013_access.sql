-- People, what they may do in which project, the hashes of what they show for it, and what was done.
CREATE TABLE person (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  -- Who vouches for them, and under which id; both empty for somebody who was added by hand.
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX person_subject ON person (issuer, subject) WHERE issuer != '';

CREATE TABLE membership (
  project TEXT NOT NULL,
  person TEXT NOT NULL,
  role TEXT NOT NULL,
  -- 'hand', or the issuer whose claims gave the role: its next login may take it away again.
  source TEXT NOT NULL,
  PRIMARY KEY (project, person)
) STRICT;

CREATE TABLE access_token (
  id TEXT PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  -- Of a personal token; the others have a project and a role of their own.
  person TEXT,
  project TEXT,
  role TEXT,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;

CREATE INDEX access_token_person ON access_token (person);

CREATE TABLE login_session (
  digest TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- Logins that an issuer has not answered yet.
CREATE TABLE login_attempt (
  state TEXT PRIMARY KEY,
  nonce TEXT NOT NULL,
  verifier TEXT NOT NULL,
  target TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Rows are added and read, never changed and never removed.
CREATE TABLE audit_entry (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  project TEXT NOT NULL,
  address TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
