-- Who is to be told that a share of a limit was crossed: a row for each crossing and each place that is told, so that
-- each is told once in each window, whoever notices it and however often. Times are milliseconds since 1970.
CREATE TABLE notifications (
    limit_id TEXT COLLATE "C" NOT NULL,
    bucket   BIGINT NOT NULL, -- when the window begins
    percent  BIGINT NOT NULL,
    target   TEXT COLLATE "C" NOT NULL, -- SHA-256 of the place's address, which may hold a secret
    body     TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    next_at  BIGINT,         -- when to try next; null: it was told, or given up
    attempts BIGINT NOT NULL,
    PRIMARY KEY (limit_id, bucket, percent, target)
);

CREATE INDEX notifications_by_time ON notifications (next_at);
