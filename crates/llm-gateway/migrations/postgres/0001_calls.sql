-- Calls, what they added up to, and how far each journal has been moved into this database.
-- Times are milliseconds since 1970, money is billionths of a US dollar.

-- What takes a JSON list of texts apart, by the name that it has in SQLite.
CREATE FUNCTION json_each(list TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE
    AS $$ SELECT json_array_elements_text(list::json) $$;

-- One row a call. What is filtered by stands in columns; `record` is the whole call record as JSON. Ids are UUIDs of
-- version 7, so their order is the order in which the calls came: they serve as the index on time, and one partition
-- holds the ids of one month. The gateway makes partitions, before they are needed.
CREATE TABLE calls (
    id            UUID   NOT NULL PRIMARY KEY,
    created_at    BIGINT NOT NULL,
    key           TEXT   COLLATE "C",
    team          TEXT   COLLATE "C",
    "user"        TEXT   COLLATE "C",
    organization  TEXT   COLLATE "C",
    end_user      TEXT   COLLATE "C",
    tags          TEXT   COLLATE "C" NOT NULL,
    model         TEXT   COLLATE "C" NOT NULL,
    provider      TEXT   COLLATE "C",
    deployment    TEXT   COLLATE "C",
    status        TEXT   COLLATE "C" NOT NULL,
    input_tokens  BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost          BIGINT,
    record        TEXT   NOT NULL
) PARTITION BY RANGE (id);

CREATE INDEX calls_by_key ON calls (key, id);

-- Hourly sums, written in the same transaction as the calls they sum. A member that a call lacks is ''.
-- `tags` is the call's sorted set of tags as a JSON list, so that a call is counted once however many it has.
CREATE TABLE usage_hours (
    hour          BIGINT NOT NULL,
    key           TEXT   COLLATE "C" NOT NULL,
    team          TEXT   COLLATE "C" NOT NULL,
    "user"        TEXT   COLLATE "C" NOT NULL,
    organization  TEXT   COLLATE "C" NOT NULL,
    model         TEXT   COLLATE "C" NOT NULL,
    provider      TEXT   COLLATE "C" NOT NULL,
    tags          TEXT   COLLATE "C" NOT NULL,
    calls         BIGINT NOT NULL,
    errors        BIGINT NOT NULL,
    input_tokens  BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    PRIMARY KEY (hour, key, model, provider, team, "user", organization, tags)
) WITH (fillfactor = 80);

-- What settled calls have added to each bucket of a limit's window. A bucket no longer counts from `until` on.
-- Rows are added to again and again: room in their page spares the index.
CREATE TABLE counters (
    limit_id TEXT   COLLATE "C" NOT NULL,
    bucket   BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    amount   BIGINT NOT NULL,
    PRIMARY KEY (limit_id, bucket)
) WITH (fillfactor = 50);

CREATE INDEX counters_by_end ON counters (until);

-- How far each journal has been moved here.
CREATE TABLE journals (
    id      TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    segment BIGINT NOT NULL,
    place   BIGINT NOT NULL
);
