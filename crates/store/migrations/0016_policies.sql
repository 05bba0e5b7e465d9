-- Sign-in policies and the networks they name, as the model keeps them.
CREATE TABLE signin_policy (
    tenant  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE named_location (
    tenant  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

-- A tenant's switches about ways to sign in; without a row those of the server's mode count.
CREATE TABLE signin_rules (
    tenant  TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL
) STRICT;

-- What the policies said about each decision, and what the sign-in was asked for.
ALTER TABLE signin_log ADD COLUMN conditional TEXT;
ALTER TABLE signin_log ADD COLUMN policies TEXT;
ALTER TABLE signin_log ADD COLUMN factors INTEGER;
CREATE INDEX signin_log_request ON signin_log (tenant, request);
CREATE INDEX signin_log_user ON signin_log (tenant, user, seq);

-- Networks that somebody signed in from with the right password: wrong tries from there are counted apart, so that a stranger
-- cannot keep them out of their own office.
CREATE TABLE familiar_network (
    tenant  TEXT    NOT NULL,
    user    TEXT    NOT NULL,
    network TEXT    NOT NULL,
    seen    INTEGER NOT NULL,
    PRIMARY KEY (tenant, user, network)
) STRICT;
CREATE INDEX familiar_network_seen ON familiar_network (seen);
