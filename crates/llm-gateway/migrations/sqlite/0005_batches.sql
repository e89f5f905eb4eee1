-- Batches whose results have not been seen, and what each of their calls holds of the limits. Times are milliseconds
-- since 1970. Rows go when the calls are settled: then they stand among the calls.
CREATE TABLE batches (
    id      TEXT NOT NULL PRIMARY KEY,   -- ours
    journal TEXT NOT NULL,               -- the journal of the process that holds it
    key     TEXT NOT NULL,
    object  TEXT,                        -- the provider's id; null until it is known
    prices  TEXT NOT NULL                -- what each deployment charges, as JSON
);

CREATE TABLE batch_lines (
    batch     TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    custom_id TEXT NOT NULL,
    call      BLOB NOT NULL,             -- the id of its call record
    open      TEXT NOT NULL,             -- the record as long as it is open, as JSON
    PRIMARY KEY (batch, custom_id)
);

CREATE INDEX batch_lines_by_call ON batch_lines (call);
