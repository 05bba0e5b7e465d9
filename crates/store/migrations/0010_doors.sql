-- Doors that are asked for with a reason, may need a second person, and remember who closed them and what that proved.
-- Doors that an older program opened end here: their common signer is not trusted any more (each door has its own root).
CREATE TABLE door_now (
    id          TEXT    PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    cluster     TEXT    NOT NULL,
    holder      TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    life        INTEGER NOT NULL,
    asked       INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('requested', 'open', 'closed')),
    certificate TEXT,
    key         BLOB,
    opened      INTEGER,
    opened_by   TEXT,
    until       INTEGER NOT NULL,
    closed      INTEGER,
    closed_by   TEXT,
    closed_why  TEXT,
    swept       INTEGER NOT NULL,
    outcome     TEXT
) STRICT;
INSERT INTO door_now (id, tenant, cluster, holder, reason, life, asked, state, certificate, key, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome)
    SELECT id, tenant, cluster, holder, 'az aks get-credentials --admin', until - opened, opened, 'closed', certificate, NULL, opened, holder, until, coalesce(closed, opened), NULL, 'expired', swept, NULL FROM door;
DROP TABLE door;
ALTER TABLE door_now RENAME TO door;
CREATE INDEX door_cluster ON door (cluster, asked);
CREATE INDEX door_open ON door (until) WHERE swept = 0;
