-- Who comes with a token of an identity provider instead of a key. Times are milliseconds since 1970.

-- Which user someone is: an issuer's name for someone means nothing without the issuer.
CREATE TABLE identities (
    issuer     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    "user"     TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;

CREATE INDEX identities_by_user ON identities ("user");

CREATE TRIGGER identity_made AFTER INSERT ON identities BEGIN INSERT INTO changes (kind, id) VALUES ('user', new."user"); END;
CREATE TRIGGER identity_changed AFTER UPDATE ON identities BEGIN INSERT INTO changes (kind, id) VALUES ('user', new."user"); END;
CREATE TRIGGER identity_gone AFTER DELETE ON identities BEGIN INSERT INTO changes (kind, id) VALUES ('user', old."user"); END;

-- 1: the key stands for its user, in its team, whenever they come with a token; it has no secret.
ALTER TABLE keys ADD COLUMN login INTEGER NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX keys_of_logins ON keys ("user", coalesce(team, '')) WHERE login = 1;

-- Who is logged in, by the hash of what the browser has.
CREATE TABLE sessions (
    hash       TEXT    NOT NULL PRIMARY KEY, -- SHA-256, hexadecimal
    who        TEXT    NOT NULL,             -- JSON: what the issuer said at the login
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (expires_at);
