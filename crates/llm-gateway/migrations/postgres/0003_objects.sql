-- What providers store for keys: files, batches, responses, conversations, containers. Times are milliseconds since
-- 1970. An id belongs to the key that made it, so the same id may stand here for two keys.
CREATE TABLE objects (
    key        TEXT   COLLATE "C" NOT NULL,
    id         TEXT   COLLATE "C" NOT NULL, -- as the caller sees it
    kind       TEXT   COLLATE "C" NOT NULL,
    team       TEXT   COLLATE "C",
    provider   TEXT   COLLATE "C" NOT NULL,
    deployment TEXT   COLLATE "C" NOT NULL,
    account    TEXT   COLLATE "C",          -- tells deployments of the same name with keys of their own apart
    native_id  TEXT   COLLATE "C",          -- the provider's own id, where the caller sees another
    made_at    BIGINT NOT NULL,
    gone_at    BIGINT,                      -- when it was deleted
    detail     TEXT   NOT NULL,             -- JSON
    PRIMARY KEY (key, id)
);

CREATE INDEX objects_by_kind ON objects (key, kind, made_at, id);
