-- Sums by day, so that a long time opens at once. They are made of the hourly sums once a day is over, and made again
-- when something is added to it later.

CREATE TABLE usage_days (
    day           INTEGER NOT NULL,            -- when it begins, in UTC
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
    PRIMARY KEY (day, key, model, provider, team, "user", organization, tags)
) WITHOUT ROWID;

-- Days whose rows in `usage_days` are missing or say less than their hours: only the hours are right for these.
-- Triggers keep it, so that it is right whoever writes hourly sums, of whatever version.
CREATE TABLE unsummed_days (
    day INTEGER NOT NULL PRIMARY KEY
);

INSERT INTO unsummed_days SELECT DISTINCT hour - hour % 86400000 FROM usage_hours;

CREATE TRIGGER usage_hours_made AFTER INSERT ON usage_hours
    WHEN NOT EXISTS (SELECT 1 FROM unsummed_days WHERE day = new.hour - new.hour % 86400000)
    BEGIN INSERT INTO unsummed_days (day) VALUES (new.hour - new.hour % 86400000); END;
CREATE TRIGGER usage_hours_changed AFTER UPDATE ON usage_hours
    WHEN NOT EXISTS (SELECT 1 FROM unsummed_days WHERE day = new.hour - new.hour % 86400000)
    BEGIN INSERT INTO unsummed_days (day) VALUES (new.hour - new.hour % 86400000); END;
CREATE TRIGGER usage_hours_gone AFTER DELETE ON usage_hours
    WHEN NOT EXISTS (SELECT 1 FROM unsummed_days WHERE day = old.hour - old.hour % 86400000)
    BEGIN INSERT INTO unsummed_days (day) VALUES (old.hour - old.hour % 86400000); END;
