-- What an application may do with a resource in somebody's name. Both are service principals; an empty `person` is everybody.
CREATE TABLE permission_grant (
    tenant   TEXT    NOT NULL REFERENCES tenant (id),
    id       TEXT    NOT NULL,
    client   TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    person   TEXT    NOT NULL,
    scope    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, client, resource, person)
) STRICT;
CREATE INDEX permission_grant_resource ON permission_grant (tenant, resource);
CREATE INDEX permission_grant_person ON permission_grant (tenant, person);
