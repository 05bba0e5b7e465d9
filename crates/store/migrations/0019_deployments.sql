-- Deployments of templates. The template is sealed because people write secrets into templates; `input` holds the values of
-- parameters, secret ones too, and is dropped when the deployment has ended. They go with their resource group.
CREATE TABLE deployment (
    id           TEXT    PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    subscription TEXT    NOT NULL,
    group_key    TEXT    NOT NULL,
    group_name   TEXT    NOT NULL,
    name_key     TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    progress     TEXT    NOT NULL,
    hash         TEXT    NOT NULL,
    parameters   TEXT    NOT NULL,
    outputs      TEXT,
    error        TEXT,
    resources    TEXT    NOT NULL,
    correlation  TEXT    NOT NULL,
    started      INTEGER NOT NULL,
    started_by   TEXT    NOT NULL,
    started_as   TEXT    NOT NULL,
    ended        INTEGER,
    parent       TEXT,
    is_stopping  INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    template     BLOB    NOT NULL,
    input        BLOB,
    UNIQUE (subscription, group_key, name_key),
    FOREIGN KEY (subscription, group_key) REFERENCES resource_group (subscription, name_key) ON DELETE CASCADE
) STRICT;
CREATE INDEX deployment_open ON deployment (id) WHERE ended IS NULL;
