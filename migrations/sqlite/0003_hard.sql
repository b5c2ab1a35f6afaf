-- Disputes, petitions in bankruptcy, and what these stay.

-- `ended_at` is the instant of the latest step: a ruling, an appeal, its ruling.
CREATE TABLE dispute (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX dispute_by_account ON dispute (account_id);

-- `ended_at` is the instant at which the end of the stay was recorded.
CREATE TABLE petition (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX petition_by_account ON petition (account_id);

-- The parts of debts that petitions stay: a projection like `open_item`, which does not have them.
CREATE TABLE stayed_item (
    account_id INTEGER NOT NULL,
    due_on     TEXT NOT NULL,
    entry_id   INTEGER NOT NULL,
    service    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    cents      INTEGER NOT NULL,
    open_cents INTEGER NOT NULL,
    billed_on  TEXT NOT NULL,
    printed    TEXT,
    PRIMARY KEY (account_id, due_on, entry_id)
) STRICT, WITHOUT ROWID;
