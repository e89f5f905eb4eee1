-- Who may call, and how much: teams, virtual keys and their secrets, limits; and settings of the gateway itself.
-- Times are milliseconds since 1970.

CREATE TABLE teams (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    models     TEXT,               -- a JSON list of patterns; null: all
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE keys (
    id             TEXT    NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    team           TEXT    REFERENCES teams (id),
    models         TEXT,           -- a JSON list of patterns; null: all
    expires_at     INTEGER,
    blocked        INTEGER NOT NULL,
    tags           TEXT    NOT NULL,
    metadata       TEXT    NOT NULL,
    default_limits INTEGER NOT NULL, -- 1: the limits of the configuration apply, 0: its own, even if it has none
    created_at     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX keys_by_team ON keys (team);

-- A key has one secret, and while it is being rotated also those that it had, each until its time.
CREATE TABLE key_secrets (
    hash       TEXT    NOT NULL PRIMARY KEY, -- SHA-256, hexadecimal
    key        TEXT    NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    prefix     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;

CREATE INDEX key_secrets_by_key ON key_secrets (key);

CREATE TABLE limits (
    id         TEXT    NOT NULL PRIMARY KEY,
    scope_kind TEXT    NOT NULL,
    scope_id   TEXT    NOT NULL,
    spec       TEXT    NOT NULL,   -- the limit as the API writes it, without id and scope
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX limits_by_scope ON limits (scope_kind, scope_id);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- What changed, in order, written by the triggers below: every process reads on from where it was, so that a key
-- that is blocked by one dies in all. A process that has missed more than is kept reads everything anew.
CREATE TABLE changes (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT    NOT NULL,
    id   TEXT    NOT NULL
);

CREATE TRIGGER changes_kept AFTER INSERT ON changes WHEN new.seq % 100 = 0
    BEGIN DELETE FROM changes WHERE seq <= new.seq - 10000; END;

CREATE TRIGGER team_made AFTER INSERT ON teams BEGIN INSERT INTO changes (kind, id) VALUES ('team', new.id); END;
CREATE TRIGGER team_changed AFTER UPDATE ON teams BEGIN INSERT INTO changes (kind, id) VALUES ('team', new.id); END;
CREATE TRIGGER team_gone AFTER DELETE ON teams BEGIN INSERT INTO changes (kind, id) VALUES ('team', old.id); END;

CREATE TRIGGER key_made AFTER INSERT ON keys BEGIN INSERT INTO changes (kind, id) VALUES ('key', new.id); END;
CREATE TRIGGER key_changed AFTER UPDATE ON keys BEGIN INSERT INTO changes (kind, id) VALUES ('key', new.id); END;
CREATE TRIGGER key_gone AFTER DELETE ON keys BEGIN INSERT INTO changes (kind, id) VALUES ('key', old.id); END;

CREATE TRIGGER secret_made AFTER INSERT ON key_secrets BEGIN INSERT INTO changes (kind, id) VALUES ('key', new.key); END;
CREATE TRIGGER secret_changed AFTER UPDATE ON key_secrets BEGIN INSERT INTO changes (kind, id) VALUES ('key', new.key); END;
CREATE TRIGGER secret_gone AFTER DELETE ON key_secrets BEGIN INSERT INTO changes (kind, id) VALUES ('key', old.key); END;

CREATE TRIGGER limit_made AFTER INSERT ON limits BEGIN INSERT INTO changes (kind, id) VALUES ('limit', new.id); END;
CREATE TRIGGER limit_changed AFTER UPDATE ON limits BEGIN INSERT INTO changes (kind, id) VALUES ('limit', new.id); END;
CREATE TRIGGER limit_gone AFTER DELETE ON limits BEGIN INSERT INTO changes (kind, id) VALUES ('limit', old.id); END;

CREATE TRIGGER setting_made AFTER INSERT ON settings BEGIN INSERT INTO changes (kind, id) VALUES ('setting', new.name); END;
CREATE TRIGGER setting_changed AFTER UPDATE ON settings BEGIN INSERT INTO changes (kind, id) VALUES ('setting', new.name); END;
CREATE TRIGGER setting_gone AFTER DELETE ON settings BEGIN INSERT INTO changes (kind, id) VALUES ('setting', old.name); END;
