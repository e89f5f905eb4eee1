-- Who keys belong to: organizations, their teams, and users, who are members of teams.
-- Times are milliseconds since 1970.

CREATE TABLE organizations (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    models     TEXT,               -- a JSON list of patterns; null: all
    blocked    INTEGER NOT NULL,
    metadata   TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    email      TEXT    UNIQUE,
    role       TEXT    NOT NULL,
    models     TEXT,               -- a JSON list of patterns; null: all
    blocked    INTEGER NOT NULL,
    metadata   TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE members (
    "user" TEXT NOT NULL REFERENCES users (id),
    team   TEXT NOT NULL REFERENCES teams (id),
    role   TEXT NOT NULL,
    PRIMARY KEY ("user", team)
) WITHOUT ROWID;

CREATE INDEX members_by_team ON members (team);

ALTER TABLE teams ADD COLUMN organization TEXT REFERENCES organizations (id);
ALTER TABLE teams ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';

CREATE INDEX teams_by_organization ON teams (organization);

ALTER TABLE keys ADD COLUMN "user" TEXT REFERENCES users (id);
ALTER TABLE keys ADD COLUMN role TEXT;             -- null: it calls and does nothing else
ALTER TABLE keys ADD COLUMN assume_output INTEGER; -- tokens; null: as limits and recent answers say

CREATE INDEX keys_by_user ON keys ("user");

CREATE TRIGGER organization_made AFTER INSERT ON organizations BEGIN INSERT INTO changes (kind, id) VALUES ('organization', new.id); END;
CREATE TRIGGER organization_changed AFTER UPDATE ON organizations BEGIN INSERT INTO changes (kind, id) VALUES ('organization', new.id); END;
CREATE TRIGGER organization_gone AFTER DELETE ON organizations BEGIN INSERT INTO changes (kind, id) VALUES ('organization', old.id); END;

CREATE TRIGGER user_made AFTER INSERT ON users BEGIN INSERT INTO changes (kind, id) VALUES ('user', new.id); END;
CREATE TRIGGER user_changed AFTER UPDATE ON users BEGIN INSERT INTO changes (kind, id) VALUES ('user', new.id); END;
CREATE TRIGGER user_gone AFTER DELETE ON users BEGIN INSERT INTO changes (kind, id) VALUES ('user', old.id); END;

CREATE TRIGGER member_made AFTER INSERT ON members BEGIN INSERT INTO changes (kind, id) VALUES ('user', new."user"); END;
CREATE TRIGGER member_changed AFTER UPDATE ON members BEGIN INSERT INTO changes (kind, id) VALUES ('user', new."user"); END;
CREATE TRIGGER member_gone AFTER DELETE ON members BEGIN INSERT INTO changes (kind, id) VALUES ('user', old."user"); END;
