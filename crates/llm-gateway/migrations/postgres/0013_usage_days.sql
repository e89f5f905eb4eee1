-- Sums by day, so that a long time opens at once. They are made of the hourly sums once a day is over, and made again
-- when something is added to it later.

CREATE TABLE usage_days (
    day           BIGINT NOT NULL,             -- when it begins, in UTC
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
    PRIMARY KEY (day, key, model, provider, team, "user", organization, tags)
);

-- Days whose rows in `usage_days` are missing or say less than their hours: only the hours are right for these.
-- Triggers keep it, so that it is right whoever writes hourly sums, of whatever version.
CREATE TABLE unsummed_days (
    day BIGINT NOT NULL PRIMARY KEY
);

-- Whoever writes hourly sums holds the lock with all others who do, until it commits; whoever sums a day holds it alone.
-- So a day is summed when nothing of it is on its way, and what comes later finds that it must say so again.
CREATE FUNCTION note_unsummed_days() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(7806831264735756914);
        INSERT INTO unsummed_days SELECT DISTINCT hour - hour % 86400000 FROM written ORDER BY 1 ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
$$;

CREATE TRIGGER usage_hours_made AFTER INSERT ON usage_hours REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION note_unsummed_days();
CREATE TRIGGER usage_hours_changed AFTER UPDATE ON usage_hours REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION note_unsummed_days();
CREATE TRIGGER usage_hours_gone AFTER DELETE ON usage_hours REFERENCING OLD TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION note_unsummed_days();

-- Of what was written before, and by whoever did not know of the triggers when it was.
INSERT INTO unsummed_days SELECT DISTINCT hour - hour % 86400000 FROM usage_hours;
