-- Calls, what they added up to, and how far the journal has been moved into this database.
-- Times are milliseconds since 1970, money is billionths of a US dollar.

-- One row a call. What is filtered by stands in columns; `record` is the whole call record as JSON. Ids are UUIDs of
-- version 7 as 16 bytes, so their order is the order in which the calls came, and they serve as the index on time.
CREATE TABLE calls (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    created_at    INTEGER NOT NULL,
    key           TEXT,
    team          TEXT,
    "user"        TEXT,
    organization  TEXT,
    end_user      TEXT,
    tags          TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    provider      TEXT,
    deployment    TEXT,
    status        TEXT    NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost          INTEGER,
    record        TEXT    NOT NULL
);

CREATE INDEX calls_by_key ON calls (key, id);

-- Hourly sums, written in the same transaction as the calls they sum. A member that a call lacks is ''.
-- `tags` is the call's sorted set of tags as a JSON list, so that a call is counted once however many it has.
CREATE TABLE usage_hours (
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

-- What settled calls have added to each bucket of a limit's window. A bucket no longer counts from `until` on.
CREATE TABLE counters (
    limit_id TEXT    NOT NULL,
    bucket   INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (limit_id, bucket)
) WITHOUT ROWID;

CREATE INDEX counters_by_end ON counters (until);

-- How far each journal has been moved here.
CREATE TABLE journals (
    id      TEXT    NOT NULL PRIMARY KEY,
    segment INTEGER NOT NULL,
    place   INTEGER NOT NULL
) WITHOUT ROWID;
