-- What was taken over from another gateway, and how much of it was counted, so that it is taken over once.

CREATE TABLE imported (
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,          -- as it was called there
    became TEXT NOT NULL,          -- its id here
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- What of `counters` was spent before.
CREATE TABLE imported_counters (
    limit_id TEXT    NOT NULL,
    bucket   INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (limit_id, bucket)
) WITHOUT ROWID;

-- What of `usage_hours` was spent before.
CREATE TABLE imported_hours (
    hour          INTEGER NOT NULL,
    key           TEXT    NOT NULL,
    team          TEXT    NOT NULL,
    "user"        TEXT    NOT NULL,
    organization  TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    tags          TEXT    NOT NULL,
    calls         INTEGER NOT NULL,
    errors        INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost          INTEGER NOT NULL,
    PRIMARY KEY (hour, key, model, provider, team, "user", organization, tags)
) WITHOUT ROWID;
