-- The change feed: `head` grows by one with each write transaction that changed something others follow.
-- A new `epoch` (a restore) tells followers to reload everything.
CREATE TABLE feed (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT    NOT NULL,
    head  INTEGER NOT NULL
) STRICT;

CREATE TABLE change (
    seq    INTEGER NOT NULL,
    ord    INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    tenant TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    PRIMARY KEY (seq, ord)
) STRICT;

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What happened, committed together with what it tells.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    tenant TEXT,
    actor  TEXT,
    kind   TEXT    NOT NULL,
    target TEXT,
    detail TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant, seq);

-- Private keys (token signing, certificate authorities), sealed.
CREATE TABLE sealed_key (
    purpose     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    private     BLOB    NOT NULL,
    certificate BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    starts      INTEGER NOT NULL,
    ends        INTEGER,
    PRIMARY KEY (purpose, name)
) STRICT;
