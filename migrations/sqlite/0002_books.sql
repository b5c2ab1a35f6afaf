-- What the billing system's books and ours have to do with each other.

-- Lists of fees that go to the billing system. Each is recorded before its file is written; one without `written_at` is
-- written, or written again, from here.
CREATE TABLE fee_export (
    id         INTEGER PRIMARY KEY,
    made_on    TEXT NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    body       TEXT NOT NULL,
    written_at TEXT
) STRICT;
CREATE INDEX fee_export_by_unwritten ON fee_export (id) WHERE written_at IS NULL;

-- A fee, or what takes one back, goes out on one list and on no other.
CREATE TABLE fee_export_line (
    entry_id  INTEGER PRIMARY KEY REFERENCES entry (id),
    export_id INTEGER NOT NULL REFERENCES fee_export (id)
) STRICT;

-- Entries of Arrears' own that the billing system has in its books, by the name that it gives them there.
CREATE TABLE taken_over (
    entry_id    INTEGER PRIMARY KEY REFERENCES entry (id),
    source      TEXT NOT NULL,
    reference   TEXT NOT NULL,
    -- The day from which it counts there.
    on_day      TEXT NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX taken_over_by_reference ON taken_over (reference, source);

-- What the billing system said last of each account's balance, and by how much it differed from ours then.
CREATE TABLE cis_balance (
    account_id       INTEGER PRIMARY KEY REFERENCES account (id),
    as_of            TEXT NOT NULL,
    cents            INTEGER NOT NULL,
    difference_cents INTEGER NOT NULL,
    -- A difference that a person looked into and cleared.
    accepted_cents   INTEGER,
    file             TEXT NOT NULL,
    recorded_at      TEXT NOT NULL
) STRICT;
