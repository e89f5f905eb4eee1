-- What was taken over from another gateway, and how much of it was counted, so that it is taken over once.

CREATE TABLE imported (
    kind   TEXT COLLATE "C" NOT NULL,
    id     TEXT COLLATE "C" NOT NULL,          -- as it was called there
    became TEXT COLLATE "C" NOT NULL,          -- its id here
    PRIMARY KEY (kind, id)
);

-- What of `counters` was spent before.
CREATE TABLE imported_counters (
    limit_id TEXT    COLLATE "C" NOT NULL,
    bucket   BIGINT  NOT NULL,
    until    BIGINT  NOT NULL,
    amount   BIGINT  NOT NULL,
    PRIMARY KEY (limit_id, bucket)
);

-- What of `usage_hours` was spent before.
CREATE TABLE imported_hours (
    hour          BIGINT  NOT NULL,
    key           TEXT    COLLATE "C" NOT NULL,
    team          TEXT    COLLATE "C" NOT NULL,
    "user"        TEXT    COLLATE "C" NOT NULL,
    organization  TEXT    COLLATE "C" NOT NULL,
    model         TEXT    COLLATE "C" NOT NULL,
    provider      TEXT    COLLATE "C" NOT NULL,
    tags          TEXT    COLLATE "C" NOT NULL,
    calls         BIGINT  NOT NULL,
    errors        BIGINT  NOT NULL,
    input_tokens  BIGINT  NOT NULL,
    output_tokens BIGINT  NOT NULL,
    cost          BIGINT  NOT NULL,
    PRIMARY KEY (hour, key, model, provider, team, "user", organization, tags)
);
