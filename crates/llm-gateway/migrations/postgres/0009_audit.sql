-- Who changed what, before and after. Only ever added to, in the transaction of the change. Times are milliseconds
-- since 1970.
CREATE TABLE audit (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- sorts by age
    created_at BIGINT NOT NULL,
    author     TEXT   COLLATE "C" NOT NULL,             -- administrator, key, command_line, process
    key        TEXT   COLLATE "C",                      -- the key that was presented
    "user"     TEXT   COLLATE "C",                      -- the user that the key belonged to
    action     TEXT   COLLATE "C" NOT NULL,             -- create, change, delete
    kind       TEXT   COLLATE "C" NOT NULL,             -- of what was changed
    target     TEXT   COLLATE "C" NOT NULL,             -- its id
    "before"   TEXT,                                    -- JSON, without secrets; null: it was not there
    "after"    TEXT                                     -- likewise
);

CREATE INDEX audit_by_target ON audit (target, id);
CREATE INDEX audit_by_key ON audit (key, id);
