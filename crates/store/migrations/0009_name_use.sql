-- In which clusters a held name was used, by whom, and since when.
CREATE TABLE name_use (
    tenant  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    holder  TEXT    NOT NULL,
    cluster TEXT    NOT NULL,
    first   INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, holder, cluster)
) STRICT;
