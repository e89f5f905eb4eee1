-- Which journal charged what: limits that replicas share are put together from what each of them has charged. What was
-- counted before, and what no journal has, stays under ''.
CREATE TABLE counters_by_journal (
    limit_id TEXT    NOT NULL,
    bucket   INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    journal  TEXT    NOT NULL,
    PRIMARY KEY (limit_id, bucket, journal)
) WITHOUT ROWID;

INSERT INTO counters_by_journal SELECT limit_id, bucket, until, amount, '' FROM counters;
DROP TABLE counters;
ALTER TABLE counters_by_journal RENAME TO counters;
CREATE INDEX counters_by_end ON counters (until);

-- The replicas that share limits, by when they last said that they are there, in milliseconds since 1970.
CREATE TABLE replicas (
    journal TEXT    NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL
) WITHOUT ROWID;
