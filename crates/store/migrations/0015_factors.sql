-- Second factors. Secrets of authenticator apps are sealed; of recovery codes there is a hash only.
CREATE TABLE totp (
    tenant  TEXT    NOT NULL,
    user    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    secret  BLOB    NOT NULL,
    -- The last step whose code was used: every later code needs a later step.
    step    INTEGER NOT NULL,
    created INTEGER NOT NULL,
    used    INTEGER,
    PRIMARY KEY (tenant, user),
    FOREIGN KEY (tenant, user) REFERENCES directory_user (tenant, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE recovery_code (
    tenant TEXT    NOT NULL,
    user   TEXT    NOT NULL,
    hash   TEXT    NOT NULL,
    used   INTEGER,
    PRIMARY KEY (tenant, user, hash),
    FOREIGN KEY (tenant, user) REFERENCES directory_user (tenant, id) ON DELETE CASCADE
) STRICT;

-- `credential` is the authenticator's own id of the key; one key belongs to one person.
CREATE TABLE passkey (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    user       TEXT    NOT NULL,
    credential TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    used       INTEGER,
    -- When its counter went back: a copy of it may exist, so it opens nothing any more.
    alarmed    INTEGER,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, credential),
    FOREIGN KEY (tenant, user) REFERENCES directory_user (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX passkey_user ON passkey (tenant, user);

-- Challenges and other sealed forms that were answered: each counts once.
CREATE TABLE used_challenge (
    hash  TEXT    PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX used_challenge_until ON used_challenge (until);

-- When a second factor was shown last; whether the cookie outlives the window.
ALTER TABLE browser_session ADD COLUMN strong INTEGER;
ALTER TABLE browser_session ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;
