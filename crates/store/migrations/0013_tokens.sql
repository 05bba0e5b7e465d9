-- Who has which role of which application. `principal` is a person, a group (its direct members) or a service principal;
-- `resource` is the application's service principal. The nil role is plain access.
CREATE TABLE app_role_assignment (
    tenant    TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    principal TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    resource  TEXT    NOT NULL,
    role      TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, resource, principal, role)
) STRICT;
CREATE INDEX app_role_principal ON app_role_assignment (tenant, principal);
