-- Prices that an administrator puts in the place of the catalogue's, by `provider:model`.
CREATE TABLE prices (
    id         TEXT    NOT NULL PRIMARY KEY,
    lines      TEXT    NOT NULL, -- a JSON list of price lines
    changed_at INTEGER NOT NULL  -- milliseconds since 1970
) WITHOUT ROWID;

CREATE TRIGGER price_made AFTER INSERT ON prices BEGIN INSERT INTO changes (kind, id) VALUES ('price', new.id); END;
CREATE TRIGGER price_changed AFTER UPDATE ON prices BEGIN INSERT INTO changes (kind, id) VALUES ('price', new.id); END;
CREATE TRIGGER price_gone AFTER DELETE ON prices BEGIN INSERT INTO changes (kind, id) VALUES ('price', old.id); END;

-- Requests that shall be done once however often they are sent. A row is written in the transaction of what was done;
-- the answer follows. Times are milliseconds since 1970.
CREATE TABLE idempotency (
    name       TEXT    NOT NULL PRIMARY KEY,    -- SHA-256 of who asks, and what the caller calls the request by
    request    TEXT    NOT NULL,                -- SHA-256 of what is asked
    status     INTEGER,                         -- of the answer; null until it is there
    answer     TEXT,                            -- its JSON, without secrets
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX idempotency_by_end ON idempotency (expires_at);
