-- The sealed door of a cluster: at most one. The file is encrypted to the recovery keys; nothing here opens anything.
CREATE TABLE sealed_door (
    cluster     TEXT    PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    tenant      TEXT    NOT NULL,
    file        TEXT    NOT NULL,
    certificate TEXT    NOT NULL,
    proof       TEXT    NOT NULL,
    sealed      INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    recipients  TEXT    NOT NULL,
    threshold   INTEGER NOT NULL,
    rehearsed   INTEGER,
    drilled     INTEGER,
    opened      INTEGER
) STRICT;
