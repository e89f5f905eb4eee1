-- Who comes with a token of an identity provider instead of a key. Times are milliseconds since 1970.

-- Which user someone is: an issuer's name for someone means nothing without the issuer.
CREATE TABLE identities (
    issuer     TEXT   COLLATE "C" NOT NULL,
    subject    TEXT   COLLATE "C" NOT NULL,
    "user"     TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX identities_by_user ON identities ("user");

CREATE TRIGGER identity_changed AFTER INSERT OR UPDATE OR DELETE ON identities
    FOR EACH ROW EXECUTE FUNCTION note_change('user', 'user');

-- true: the key stands for its user, in its team, whenever they come with a token; it has no secret.
ALTER TABLE keys ADD COLUMN login BOOLEAN NOT NULL DEFAULT FALSE;

CREATE UNIQUE INDEX keys_of_logins ON keys ("user", coalesce(team, '')) WHERE login;

-- Who is logged in, by the hash of what the browser has.
CREATE TABLE sessions (
    hash       TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- SHA-256, hexadecimal
    who        TEXT   NOT NULL,                         -- JSON: what the issuer said at the login
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_end ON sessions (expires_at);
