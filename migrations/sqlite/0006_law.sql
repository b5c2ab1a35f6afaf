-- What the law asks besides.

-- What a household has shown: a certificate, its means, its will to pay by a plan (Health and Safety Code 116910).
CREATE TABLE proof (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    from_on     TEXT NOT NULL,
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX proof_by_account ON proof (account_id);
