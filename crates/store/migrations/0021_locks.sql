-- Locks on places of the resource manager.
CREATE TABLE resource_lock (
    tenant     TEXT    NOT NULL,
    scope_key  TEXT    NOT NULL,
    name_key   TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    level      TEXT    NOT NULL,
    notes      TEXT,
    created    INTEGER NOT NULL,
    created_by TEXT,
    PRIMARY KEY (tenant, scope_key, name_key)
) STRICT;
