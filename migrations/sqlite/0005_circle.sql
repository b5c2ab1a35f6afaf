-- What becomes of a referral after it was placed.

-- Reports to destinations: what changed since the last one. Each is recorded with its files before any of them is written.
CREATE TABLE referral_report (
    id         INTEGER PRIMARY KEY,
    made_on    TEXT NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    body       TEXT NOT NULL,
    written_at TEXT
) STRICT;
CREATE INDEX referral_report_by_unwritten ON referral_report (id) WHERE written_at IS NULL;

-- Each line goes out once, under its own number.
CREATE TABLE referral_report_line (
    referral_id INTEGER NOT NULL REFERENCES referral (id),
    n           INTEGER NOT NULL,
    report_id   INTEGER NOT NULL REFERENCES referral_report (id),
    body        TEXT NOT NULL,
    PRIMARY KEY (referral_id, n)
) STRICT;

-- Debts of whose limitation the lead was told, once when it comes near and once when it has passed.
CREATE TABLE limitation_told (
    entry_id INTEGER NOT NULL REFERENCES entry (id),
    stage    TEXT NOT NULL,
    told_on  TEXT NOT NULL,
    PRIMARY KEY (entry_id, stage)
) STRICT;

-- A proposal that the policy makes bears the key of its act, so that it is made once.
ALTER TABLE proposal ADD COLUMN act_key TEXT;
CREATE UNIQUE INDEX proposal_by_act ON proposal (act_key);
