-- What makes an audit row proof against later changes: a tag under the sealing key, and its link in a chain.
ALTER TABLE audit ADD COLUMN tag BLOB;

-- One chain per tenant, and `-` for rows that belong to none; `number` counts 1, 2, 3 … in each.
CREATE TABLE audit_link (
    seq    INTEGER PRIMARY KEY,
    chain  TEXT    NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    UNIQUE (chain, number)
) STRICT;

-- The end of a chain after each batch, signed.
CREATE TABLE audit_head (
    chain     TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    signature BLOB    NOT NULL,
    PRIMARY KEY (chain, number)
) STRICT;
CREATE INDEX audit_head_seq ON audit_head (seq);
CREATE INDEX audit_at ON audit (tenant, at);
