-- What providers store for keys: files, batches, responses, conversations, containers. Times are milliseconds since
-- 1970. An id belongs to the key that made it, so the same id may stand here for two keys.
CREATE TABLE objects (
    key        TEXT    NOT NULL,
    id         TEXT    NOT NULL,           -- as the caller sees it
    kind       TEXT    NOT NULL,
    team       TEXT,
    provider   TEXT    NOT NULL,
    deployment TEXT    NOT NULL,
    account    TEXT,                       -- tells deployments of the same name with keys of their own apart
    native_id  TEXT,                       -- the provider's own id, where the caller sees another
    made_at    INTEGER NOT NULL,
    gone_at    INTEGER,                    -- when it was deleted
    detail     TEXT    NOT NULL,           -- JSON
    PRIMARY KEY (key, id)
) WITHOUT ROWID;

CREATE INDEX objects_by_kind ON objects (key, kind, made_at, id);
