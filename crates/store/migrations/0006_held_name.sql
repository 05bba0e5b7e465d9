-- Names that entered a cluster. A binding there may outlive the object, so the name is not given to another one before
-- somebody releases it (DESIGN 5.1).
CREATE TABLE held_name (
    tenant TEXT    NOT NULL REFERENCES tenant (id),
    name   TEXT    NOT NULL,
    holder TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;
