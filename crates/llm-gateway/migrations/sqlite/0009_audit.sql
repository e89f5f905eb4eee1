-- Who changed what, before and after. Only ever added to, in the transaction of the change. Times are milliseconds
-- since 1970.
CREATE TABLE audit (
    id         TEXT    NOT NULL PRIMARY KEY, -- sorts by age
    created_at INTEGER NOT NULL,
    author     TEXT    NOT NULL,             -- administrator, key, command_line, process
    key        TEXT,                         -- the key that was presented
    "user"     TEXT,                         -- the user that the key belonged to
    action     TEXT    NOT NULL,             -- create, change, delete
    kind       TEXT    NOT NULL,             -- of what was changed
    target     TEXT    NOT NULL,             -- its id
    "before"   TEXT,                         -- JSON, without secrets; null: it was not there
    "after"    TEXT                          -- likewise
) WITHOUT ROWID;

CREATE INDEX audit_by_target ON audit (target, id);
CREATE INDEX audit_by_key ON audit (key, id);
