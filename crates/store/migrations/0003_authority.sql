-- What the token service hands out is kept as SHA-256 only. `version` makes every change a compare-and-swap.
CREATE TABLE authorization_code (
    hash    TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    until   INTEGER NOT NULL
) STRICT;
CREATE INDEX authorization_code_until ON authorization_code (until);

CREATE TABLE device_grant (
    hash      TEXT    PRIMARY KEY,
    user_code TEXT    NOT NULL UNIQUE,
    version   INTEGER NOT NULL,
    state     TEXT    NOT NULL,
    until     INTEGER NOT NULL
) STRICT;
CREATE INDEX device_grant_until ON device_grant (until);

-- The refresh tokens of one sign-in are a family: they end together.
CREATE TABLE refresh_family (
    tenant  TEXT NOT NULL,
    id      TEXT NOT NULL,
    user    TEXT NOT NULL,
    session TEXT NOT NULL,
    state   TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX refresh_family_user ON refresh_family (tenant, user);
CREATE INDEX refresh_family_session ON refresh_family (tenant, session);

CREATE TABLE refresh_token (
    hash    TEXT    PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    family  TEXT    NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    until   INTEGER NOT NULL
) STRICT;
CREATE INDEX refresh_token_family ON refresh_token (tenant, family);
CREATE INDEX refresh_token_until ON refresh_token (until);

-- People signed in in a browser; `browser` is the hash of its cookie, new at every sign-in.
CREATE TABLE browser_session (
    tenant  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    browser TEXT    NOT NULL,
    user    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    how     TEXT    NOT NULL,
    seen    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX browser_session_browser ON browser_session (browser);

-- A sign-in in progress, sealed: it holds state, nonce and hints of the application.
CREATE TABLE signin_flow (
    id      TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    state   BLOB    NOT NULL,
    until   INTEGER NOT NULL
) STRICT;
CREATE INDEX signin_flow_until ON signin_flow (until);

-- Wrong tries, by what they were made against.
CREATE TABLE lockout (
    key   TEXT    PRIMARY KEY,
    state TEXT    NOT NULL,
    at    INTEGER NOT NULL
) STRICT;
CREATE INDEX lockout_at ON lockout (at);

-- Client assertions that were used, until they expire by themselves.
CREATE TABLE used_assertion (
    client TEXT    NOT NULL,
    jti    TEXT    NOT NULL,
    hash   TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (client, jti)
) STRICT;
CREATE INDEX used_assertion_until ON used_assertion (until);

-- Every decision about a token, with its reason.
CREATE TABLE signin_log (
    seq         INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    tenant      TEXT    NOT NULL,
    user        TEXT,
    app         TEXT,
    resource    TEXT,
    kind        TEXT    NOT NULL,
    interactive INTEGER NOT NULL,
    code        INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    agent       TEXT,
    request     TEXT    NOT NULL,
    correlation TEXT    NOT NULL
) STRICT;
CREATE INDEX signin_log_tenant ON signin_log (tenant, seq);
