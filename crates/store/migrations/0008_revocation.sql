-- Sessions as they are listed and revoked: a person signed in somewhere, and the device that this is.
CREATE TABLE session (
    tenant    TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    user      TEXT    NOT NULL,
    place     TEXT    NOT NULL,
    device    TEXT    NOT NULL,
    parent    TEXT,
    app       TEXT,
    address   TEXT    NOT NULL,
    agent     TEXT,
    began     INTEGER NOT NULL,
    seen      INTEGER NOT NULL,
    seen_from TEXT    NOT NULL,
    until     INTEGER NOT NULL,
    ended     INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX session_user ON session (tenant, user);
CREATE INDEX session_device ON session (tenant, device);
CREATE INDEX session_parent ON session (tenant, parent);
CREATE INDEX session_until ON session (until);

-- Those that began before there was this table: each is a device of its own.
INSERT INTO session (tenant, id, user, place, device, address, began, seen, seen_from, until)
SELECT tenant, id, user, 'browser', id, '', at, seen, '', at + 604800000000 FROM browser_session;
INSERT INTO session (tenant, id, user, place, device, app, address, began, seen, seen_from, until)
SELECT f.tenant, f.session, min(f.user), 'browser', f.session, min(json_extract(f.state, '$.app')), '',
       min(json_extract(f.state, '$.began')), max(json_extract(f.state, '$.began')), '',
       max(json_extract(f.state, '$.began')) + 7776000000000
FROM refresh_family f
WHERE NOT EXISTS (SELECT 1 FROM browser_session b WHERE b.tenant = f.tenant AND b.id = f.session)
GROUP BY f.tenant, f.session;

-- The number of the last revocation of a directory. It never goes back: tokens carry it.
CREATE TABLE revocation_head (
    tenant TEXT    PRIMARY KEY,
    head   INTEGER NOT NULL
) STRICT;

-- What was revoked, until every older token has ended by itself.
CREATE TABLE revocation (
    tenant       TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    number       INTEGER NOT NULL,
    through_kind TEXT,
    through_id   TEXT,
    reason       TEXT    NOT NULL,
    by_whom      TEXT,
    at           INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT;
CREATE INDEX revocation_number ON revocation (tenant, number);
CREATE INDEX revocation_until ON revocation (until);

-- A decision that made a token names it, with its session and the device.
ALTER TABLE signin_log ADD COLUMN token TEXT;
ALTER TABLE signin_log ADD COLUMN session TEXT;
ALTER TABLE signin_log ADD COLUMN device TEXT;
CREATE INDEX signin_log_token ON signin_log (tenant, token) WHERE token IS NOT NULL;
