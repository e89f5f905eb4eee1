-- Who keys belong to: organizations, their teams, and users, who are members of teams.
-- Times are milliseconds since 1970.

CREATE TABLE organizations (
    id         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT    COLLATE "C" NOT NULL UNIQUE,
    models     TEXT,               -- a JSON list of patterns; null: all
    blocked    BOOLEAN NOT NULL,
    metadata   TEXT    NOT NULL,
    created_at BIGINT  NOT NULL
);

CREATE TABLE users (
    id         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT    COLLATE "C" NOT NULL UNIQUE,
    email      TEXT    COLLATE "C" UNIQUE,
    role       TEXT    NOT NULL,
    models     TEXT,               -- a JSON list of patterns; null: all
    blocked    BOOLEAN NOT NULL,
    metadata   TEXT    NOT NULL,
    created_at BIGINT  NOT NULL
);

CREATE TABLE members (
    "user" TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    team   TEXT COLLATE "C" NOT NULL REFERENCES teams (id),
    role   TEXT NOT NULL,
    PRIMARY KEY ("user", team)
);

CREATE INDEX members_by_team ON members (team);

ALTER TABLE teams ADD COLUMN organization TEXT COLLATE "C" REFERENCES organizations (id);
ALTER TABLE teams ADD COLUMN blocked BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE teams ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';

CREATE INDEX teams_by_organization ON teams (organization);

ALTER TABLE keys ADD COLUMN "user" TEXT COLLATE "C" REFERENCES users (id);
ALTER TABLE keys ADD COLUMN role TEXT;            -- null: it calls and does nothing else
ALTER TABLE keys ADD COLUMN assume_output BIGINT; -- tokens; null: as limits and recent answers say

CREATE INDEX keys_by_user ON keys ("user");

CREATE TRIGGER organization_changed AFTER INSERT OR UPDATE OR DELETE ON organizations
    FOR EACH ROW EXECUTE FUNCTION note_change('organization', 'id');
CREATE TRIGGER user_changed AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION note_change('user', 'id');
CREATE TRIGGER member_changed AFTER INSERT OR UPDATE OR DELETE ON members
    FOR EACH ROW EXECUTE FUNCTION note_change('user', 'user');
