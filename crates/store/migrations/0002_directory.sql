CREATE TABLE tenant (
    id           TEXT PRIMARY KEY,
    display_name TEXT    NOT NULL,
    salt         BLOB    NOT NULL,
    created      INTEGER NOT NULL
) STRICT;

-- A verified domain belongs to one tenant; `ord` 0 is the default one.
CREATE TABLE tenant_domain (
    domain TEXT    PRIMARY KEY,
    tenant TEXT    NOT NULL REFERENCES tenant (id),
    ord    INTEGER NOT NULL
) STRICT;

CREATE TABLE directory_user (
    tenant               TEXT    NOT NULL REFERENCES tenant (id),
    id                   TEXT    NOT NULL,
    upn                  TEXT    NOT NULL,
    display_name         TEXT    NOT NULL,
    mail_nickname        TEXT    NOT NULL,
    given_name           TEXT,
    surname              TEXT,
    mail                 TEXT,
    enabled              INTEGER NOT NULL,
    must_change_password INTEGER NOT NULL,
    sessions_valid_from  INTEGER NOT NULL,
    is_directory_admin   INTEGER NOT NULL,
    password_hash        TEXT,
    created              INTEGER NOT NULL,
    other                TEXT    NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, upn)
) STRICT;

CREATE TABLE directory_group (
    tenant           TEXT    NOT NULL REFERENCES tenant (id),
    id               TEXT    NOT NULL,
    display_name     TEXT    NOT NULL,
    mail_nickname    TEXT    NOT NULL,
    description      TEXT,
    security_enabled INTEGER NOT NULL,
    mail_enabled     INTEGER NOT NULL,
    created          INTEGER NOT NULL,
    other            TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

-- Direct edges only; what follows from nesting is computed where it is asked.
CREATE TABLE membership (
    tenant TEXT NOT NULL,
    parent TEXT NOT NULL,
    member TEXT NOT NULL,
    kind   TEXT NOT NULL,
    PRIMARY KEY (tenant, parent, member)
) STRICT;
CREATE INDEX membership_member ON membership (tenant, member);

-- Owners of groups, applications and service principals.
CREATE TABLE ownership (
    tenant TEXT NOT NULL,
    target TEXT NOT NULL,
    owner  TEXT NOT NULL,
    kind   TEXT NOT NULL,
    PRIMARY KEY (tenant, target, owner)
) STRICT;
CREATE INDEX ownership_owner ON ownership (tenant, owner);

CREATE TABLE application (
    tenant           TEXT    NOT NULL REFERENCES tenant (id),
    id               TEXT    NOT NULL,
    app_id           TEXT    NOT NULL UNIQUE,
    display_name     TEXT    NOT NULL,
    redirects        TEXT    NOT NULL,
    is_public_client INTEGER NOT NULL,
    token_version    INTEGER NOT NULL,
    created          INTEGER NOT NULL,
    other            TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE identifier_uri (
    tenant      TEXT    NOT NULL,
    uri         TEXT    NOT NULL,
    application TEXT    NOT NULL,
    ord         INTEGER NOT NULL,
    PRIMARY KEY (tenant, uri)
) STRICT;

CREATE TABLE service_principal (
    tenant              TEXT    NOT NULL REFERENCES tenant (id),
    id                  TEXT    NOT NULL,
    app_id              TEXT    NOT NULL,
    display_name        TEXT    NOT NULL,
    enabled             INTEGER NOT NULL,
    is_first_party      INTEGER NOT NULL,
    assignment_required INTEGER NOT NULL,
    created             INTEGER NOT NULL,
    other               TEXT    NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, app_id)
) STRICT;

-- Secrets, certificates and federated credentials of applications and service principals (`owner` is the object id).
CREATE TABLE credential (
    tenant       TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    display_name TEXT,
    starts       INTEGER NOT NULL,
    ends         INTEGER NOT NULL,
    proof        TEXT    NOT NULL,
    PRIMARY KEY (tenant, owner, id)
) STRICT;

-- Object ids are never used again (S-400 `oid`).
CREATE TABLE retired_id (
    id      TEXT PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    retired INTEGER NOT NULL
) STRICT;
