-- Prices that an administrator puts in the place of the catalogue's, by `provider:model`.
CREATE TABLE prices (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    lines      TEXT   NOT NULL, -- a JSON list of price lines
    changed_at BIGINT NOT NULL  -- milliseconds since 1970
);

CREATE TRIGGER price_changed AFTER INSERT OR UPDATE OR DELETE ON prices
    FOR EACH ROW EXECUTE FUNCTION note_change('price', 'id');

-- Requests that shall be done once however often they are sent. A row is written in the transaction of what was done;
-- the answer follows. Times are milliseconds since 1970.
CREATE TABLE idempotency (
    name       TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- SHA-256 of who asks, and what the caller calls the request by
    request    TEXT   NOT NULL,                         -- SHA-256 of what is asked
    status     BIGINT,                                  -- of the answer; null until it is there
    answer     TEXT,                                    -- its JSON, without secrets
    expires_at BIGINT NOT NULL
);

CREATE INDEX idempotency_by_end ON idempotency (expires_at);
