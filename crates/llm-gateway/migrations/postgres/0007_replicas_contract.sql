-- Which journal charged what: limits that replicas share are put together from what each of them has charged. What was
-- counted before, and what no journal has, stays under ''.
ALTER TABLE counters ADD COLUMN journal TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE counters ALTER COLUMN journal DROP DEFAULT;
ALTER TABLE counters DROP CONSTRAINT counters_pkey;
ALTER TABLE counters ADD PRIMARY KEY (limit_id, bucket, journal);

-- The replicas that share limits, by when they last said that they are there, in milliseconds since 1970.
CREATE TABLE replicas (
    journal TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
