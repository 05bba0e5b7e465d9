-- The resource manager. Names are looked up by their lower-case key and shown as they were written.
CREATE TABLE subscription (
    id      TEXT    PRIMARY KEY,
    tenant  TEXT    NOT NULL REFERENCES tenant (id),
    name    TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE resource_group (
    subscription TEXT    NOT NULL REFERENCES subscription (id),
    name_key     TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    location     TEXT    NOT NULL,
    document     TEXT    NOT NULL,
    deleting     TEXT,
    created      INTEGER NOT NULL,
    PRIMARY KEY (subscription, name_key)
) STRICT;

-- `document` is what the cluster shall be, `applied` what is in force.
CREATE TABLE managed_cluster (
    uid          TEXT    PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    subscription TEXT    NOT NULL,
    group_key    TEXT    NOT NULL,
    name_key     TEXT    NOT NULL,
    group_name   TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    document     TEXT    NOT NULL,
    applied      TEXT,
    version      TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    work         TEXT,
    operation    TEXT,
    since        INTEGER,
    why          TEXT,
    usable       INTEGER NOT NULL,
    url          TEXT,
    ca           TEXT,
    revision     INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    created_by   TEXT,
    modified     INTEGER NOT NULL,
    modified_by  TEXT,
    UNIQUE (subscription, group_key, name_key),
    FOREIGN KEY (subscription, group_key) REFERENCES resource_group (subscription, name_key)
) STRICT;

CREATE TABLE role_assignment (
    id             TEXT    NOT NULL,
    tenant         TEXT    NOT NULL,
    scope_key      TEXT    NOT NULL,
    scope          TEXT    NOT NULL,
    role           TEXT    NOT NULL,
    principal      TEXT    NOT NULL,
    principal_type TEXT    NOT NULL,
    description    TEXT,
    condition      TEXT,
    created        INTEGER NOT NULL,
    created_by     TEXT,
    updated        INTEGER NOT NULL,
    updated_by     TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, scope_key, principal, role)
) STRICT;
CREATE INDEX role_assignment_principal ON role_assignment (tenant, principal);

-- Long-running operations. Whoever holds the lease works on one; `fence` grows with each lease, and a write with an old
-- fence changes nothing. Times of the lease are the database's own.
CREATE TABLE operation (
    id           TEXT    PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    subscription TEXT    NOT NULL,
    location     TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    cluster      TEXT,
    group_key    TEXT,
    work         TEXT    NOT NULL,
    steps        TEXT    NOT NULL,
    started      INTEGER NOT NULL,
    started_by   TEXT,
    ended        INTEGER,
    why          TEXT,
    fence        INTEGER NOT NULL,
    lease_until  INTEGER NOT NULL
) STRICT;
CREATE INDEX operation_open ON operation (lease_until) WHERE ended IS NULL;

-- Break-glass doors. The file that was handed out is sealed, so that the same holder gets the same file again.
CREATE TABLE door (
    id          TEXT    PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    cluster     TEXT    NOT NULL,
    holder      TEXT    NOT NULL,
    certificate TEXT    NOT NULL,
    key         BLOB    NOT NULL,
    opened      INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    closed      INTEGER,
    swept       INTEGER NOT NULL
) STRICT;
CREATE INDEX door_cluster ON door (cluster, holder);
CREATE INDEX door_open ON door (until) WHERE swept = 0;
