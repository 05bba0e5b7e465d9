-- A one-time code with which a person sets a new password; kept as its hash, at most one per person.
CREATE TABLE temporary_pass (
    tenant  TEXT    NOT NULL,
    user    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    hash    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    starts  INTEGER NOT NULL,
    ends    INTEGER NOT NULL,
    used    INTEGER,
    PRIMARY KEY (tenant, user)
) STRICT;
CREATE INDEX temporary_pass_ends ON temporary_pass (ends);

-- Issuers whose tokens can stand for an application.
CREATE TABLE trusted_issuer (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    issuer      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    description TEXT,
    created     INTEGER NOT NULL,
    created_by  TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, issuer)
) STRICT;

-- Applications that processes of this machine are, by the managed-identity listener. `header` is the hash of what such a
-- process shows; none: every process of the machine is it.
CREATE TABLE managed_identity (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    principal  TEXT    NOT NULL,
    header     TEXT,
    created    INTEGER NOT NULL,
    created_by TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
) STRICT;
CREATE UNIQUE INDEX managed_identity_header ON managed_identity (header) WHERE header IS NOT NULL;
