-- Roles that people made. Names are unique in a directory, without case.
CREATE TABLE role_definition (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    name_key    TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    permissions TEXT    NOT NULL,
    assignable  TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    created_by  TEXT,
    updated     INTEGER NOT NULL,
    updated_by  TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name_key)
) STRICT;
CREATE INDEX role_assignment_role ON role_assignment (tenant, role);

-- What is denied in spite of roles. There are few, and each decision looks at all of them.
CREATE TABLE deny_assignment (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    scope_key   TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    permission  TEXT    NOT NULL,
    principals  TEXT    NOT NULL,
    excluded    TEXT    NOT NULL,
    only_here   INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    created_by  TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
