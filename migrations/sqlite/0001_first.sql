-- The first schema, for SQLite. Dates and instants are ISO 8601 text; bodies are JSON text.

-- Accounts: the billing system's master record. `profile` is the record as it came; the other columns serve searches.
CREATE TABLE account (
    id              INTEGER PRIMARY KEY,
    number          TEXT NOT NULL UNIQUE,
    customer_name   TEXT NOT NULL,
    service_address TEXT NOT NULL,
    profile         TEXT NOT NULL,
    recorded_at     TEXT NOT NULL
) STRICT;

-- What Arrears itself marked on an account (`cash_only`, `opt_out_calls`); it outlives the next master record.
CREATE TABLE flag (
    account_id  INTEGER NOT NULL REFERENCES account (id),
    name        TEXT NOT NULL,
    value       TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
) STRICT;

-- The ledger: append-only. Amounts are signed effects on the balance, in cents.
CREATE TABLE entry (
    id                 INTEGER PRIMARY KEY,
    account_id         INTEGER NOT NULL REFERENCES account (id),
    service            TEXT NOT NULL,
    kind               TEXT NOT NULL,
    cents              INTEGER NOT NULL,
    effective_on       TEXT NOT NULL,
    due_on             TEXT,
    printed            TEXT,
    designated_item    INTEGER,
    designated_service TEXT,
    reverses           INTEGER REFERENCES entry (id),
    channel            TEXT,
    source             TEXT NOT NULL,
    reference          TEXT NOT NULL,
    memo               TEXT NOT NULL,
    recorded_at        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_by_reference ON entry (reference, source);
CREATE INDEX entry_by_account ON entry (account_id);
CREATE UNIQUE INDEX entry_by_reversed ON entry (reverses) WHERE reverses IS NOT NULL;
-- Each decision sees the fees that Arrears has charged the account, so that none is charged twice for a bill, and none
-- stays that had no ground.
CREATE INDEX entry_own_fee ON entry (account_id) WHERE source = 'arrears' AND kind = 'fee';

-- Debts with something left to pay: a projection of the ledger, rebuilt from it whenever it changes. It is made of
-- entries that were just read, so that references would only be checked twice.
CREATE TABLE open_item (
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

-- Which credit paid which debt, for accounts with arrangements: a projection like `open_item`.
CREATE TABLE application (
    account_id INTEGER NOT NULL,
    credit_id  INTEGER NOT NULL,
    debt_id    INTEGER NOT NULL,
    cents      INTEGER NOT NULL,
    on_day     TEXT NOT NULL,
    PRIMARY KEY (account_id, credit_id, debt_id)
) STRICT;

-- When to look at an account again, and how much has been learned of it.
CREATE TABLE review (
    account_id      INTEGER PRIMARY KEY REFERENCES account (id),
    next_review     TEXT,
    facts_seq       INTEGER NOT NULL,
    -- Credit that no debt has taken.
    unapplied_cents INTEGER NOT NULL,
    -- The first effective date in the ledger that has not come yet.
    future_on       TEXT
) STRICT;
CREATE INDEX review_by_day ON review (next_review, account_id);
CREATE INDEX review_by_future ON review (future_on) WHERE future_on IS NOT NULL;

-- The open case, and how many the account has had.
CREATE TABLE case_state (
    account_id   INTEGER PRIMARY KEY REFERENCES account (id),
    cases_so_far INTEGER NOT NULL,
    body         TEXT
) STRICT;

CREATE TABLE event (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    kind        TEXT NOT NULL,
    on_day      TEXT NOT NULL,
    -- The stage that it belongs to.
    stage       TEXT,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_account ON event (account_id, id);

-- When a service was shut off, by the crews' results; off now while `restored_at` is empty.
CREATE TABLE shut_off (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    service     TEXT NOT NULL,
    since       TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    restored_at TEXT
) STRICT;
CREATE INDEX shut_off_by_account ON shut_off (account_id);

-- From here on most tables keep a noun whole in `body`; the other columns are those that queries ask for, and are
-- always written together with it.
CREATE TABLE hold (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    from_on     TEXT NOT NULL,
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX hold_by_account ON hold (account_id);

CREATE TABLE promise (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    pay_by      TEXT NOT NULL,
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX promise_by_account ON promise (account_id);
CREATE INDEX promise_by_day ON promise (pay_by);

CREATE TABLE arrangement (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX arrangement_by_account ON arrangement (account_id);

CREATE TABLE call (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    act_key    TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    not_before TEXT NOT NULL,
    listed_on  TEXT,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX call_by_account ON call (account_id);
CREATE INDEX call_by_state ON call (state, not_before);
CREATE INDEX call_by_list ON call (listed_on) WHERE listed_on IS NOT NULL;

CREATE TABLE call_attempt (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    call_id     INTEGER NOT NULL REFERENCES call (id),
    made_on     TEXT NOT NULL,
    body        TEXT NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX call_attempt_by_account ON call_attempt (account_id);
CREATE INDEX call_attempt_by_day ON call_attempt (made_on);

CREATE TABLE print_batch (
    id        INTEGER PRIMARY KEY,
    made_on   TEXT NOT NULL,
    mailed_on TEXT,
    body      TEXT NOT NULL
) STRICT;

CREATE TABLE notice (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    act_key    TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    channel    TEXT NOT NULL,
    state      TEXT NOT NULL,
    batch_id   INTEGER REFERENCES print_batch (id),
    body       TEXT NOT NULL,
    UNIQUE (act_key, recipient, channel)
) STRICT;
CREATE INDEX notice_by_state ON notice (state, id);
CREATE INDEX notice_by_account ON notice (account_id);
CREATE INDEX notice_by_batch ON notice (batch_id) WHERE batch_id IS NOT NULL;

-- What went out, byte for byte, named by its SHA-256.
CREATE TABLE document (
    hash        TEXT PRIMARY KEY,
    media_type  TEXT NOT NULL,
    bytes       BLOB NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;

CREATE TABLE document_use (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER REFERENCES account (id),
    used_for   TEXT NOT NULL,
    hash       TEXT NOT NULL REFERENCES document (hash),
    used_at    TEXT NOT NULL,
    UNIQUE (used_for, hash)
) STRICT;
CREATE INDEX document_use_by_account ON document_use (account_id);

CREATE TABLE field_order (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    act_key    TEXT NOT NULL,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    for_day    TEXT NOT NULL,
    body       TEXT NOT NULL,
    UNIQUE (act_key, service)
) STRICT;
CREATE INDEX field_order_by_account ON field_order (account_id);
CREATE INDEX field_order_by_day ON field_order (state, for_day);

CREATE TABLE referral (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    act_key    TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX referral_by_account ON referral (account_id);
CREATE INDEX referral_by_state ON referral (state);

-- Lists of referrals that go out. Each is recorded with its files before any of them is written; a list without
-- `written_at` is written, or written again, from here.
CREATE TABLE referral_export (
    id         INTEGER PRIMARY KEY,
    made_on    TEXT NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    body       TEXT NOT NULL,
    written_at TEXT
) STRICT;
CREATE INDEX referral_export_by_unwritten ON referral_export (id) WHERE written_at IS NULL;

-- A referral stands on one list and on no other.
CREATE TABLE referral_export_line (
    referral_id INTEGER PRIMARY KEY REFERENCES referral (id),
    export_id   INTEGER NOT NULL REFERENCES referral_export (id)
) STRICT;

CREATE TABLE task (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    act_key    TEXT NOT NULL UNIQUE,
    text       TEXT NOT NULL,
    role       TEXT NOT NULL,
    opened_on  TEXT NOT NULL,
    closed_by  TEXT,
    closed_on  TEXT
) STRICT;

-- A number is never given twice: by it, who looked at the list before knows what came since.
CREATE TABLE unmatched_payment (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    source      TEXT NOT NULL,
    reference   TEXT NOT NULL,
    file        TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    decided_by  TEXT,
    recorded_at TEXT NOT NULL,
    UNIQUE (reference, source)
) STRICT;

CREATE TABLE watermark (
    channel        TEXT PRIMARY KEY,
    loaded_through TEXT NOT NULL
) STRICT;

CREATE TABLE import_file (
    hash        TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    imported_at TEXT NOT NULL
) STRICT;

CREATE TABLE policy (
    hash         TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    sources      TEXT NOT NULL,
    adopted_by   TEXT NOT NULL,
    adopted_at   TEXT NOT NULL,
    effective_on TEXT NOT NULL,
    -- When it was adopted last; its first adoption stands beside.
    chosen_at    TEXT NOT NULL
) STRICT;

-- A business date is run once for each kind of run.
CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    business_date TEXT NOT NULL,
    kind          TEXT NOT NULL,
    started_at    TEXT NOT NULL,
    finished_at   TEXT,
    summary       TEXT,
    UNIQUE (business_date, kind)
) STRICT;

-- Work with an effect outside. `subject` is the notice; leases are in seconds of the database's clock, and every
-- claim takes a higher token.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    kind        TEXT NOT NULL,
    subject     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    not_before  TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    error       TEXT,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX outbox_by_state ON outbox (kind, id) WHERE state = 'ready';

CREATE TABLE lease (
    name        TEXT PRIMARY KEY,
    owner       TEXT NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

-- Everything that was done. `hash` is kept for the chain of each account.
CREATE TABLE log (
    seq         INTEGER PRIMARY KEY,
    account_id  INTEGER REFERENCES account (id),
    run_id      INTEGER REFERENCES run (id),
    recorded_at TEXT NOT NULL,
    actor       TEXT NOT NULL,
    what        TEXT NOT NULL,
    body        TEXT NOT NULL,
    hash        TEXT
) STRICT;
CREATE INDEX log_by_account ON log (account_id, seq) WHERE account_id IS NOT NULL;

CREATE TABLE exception (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER REFERENCES account (id),
    kind       TEXT NOT NULL,
    text       TEXT NOT NULL,
    opened_on  TEXT NOT NULL,
    cleared_by TEXT,
    cleared_on TEXT
) STRICT;
CREATE INDEX exception_by_account ON exception (account_id) WHERE cleared_on IS NULL;

-- Money that one person would give away and another has to approve.
CREATE TABLE proposal (
    id           INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account (id),
    what         TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    reason       TEXT NOT NULL,
    proposed_by  TEXT NOT NULL,
    proposed_on  TEXT NOT NULL,
    state        TEXT NOT NULL,
    decided_by   TEXT,
    decided_on   TEXT,
    note         TEXT
) STRICT;
CREATE INDEX proposal_by_account ON proposal (account_id);
CREATE INDEX proposal_by_open ON proposal (id) WHERE state = 'proposed';

-- Accounts of the household of someone on the staff, who approves nothing on them.
CREATE TABLE household (
    name       TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    PRIMARY KEY (name, account_id)
) STRICT;

-- The city's word that a translation is right: of one text, named by its hash. A text that is changed is not signed.
CREATE TABLE wording_signature (
    name      TEXT NOT NULL,
    language  TEXT NOT NULL,
    hash      TEXT NOT NULL,
    signed_by TEXT NOT NULL,
    signed_on TEXT NOT NULL,
    note      TEXT NOT NULL,
    PRIMARY KEY (name, language)
) STRICT;

CREATE TABLE staff (
    name          TEXT PRIMARY KEY,
    role          TEXT NOT NULL,
    languages     TEXT NOT NULL,
    capacity      INTEGER NOT NULL,
    password_hash TEXT
) STRICT;

CREATE TABLE session (
    token_hash TEXT PRIMARY KEY,
    staff      TEXT NOT NULL REFERENCES staff (name),
    expires_at TEXT NOT NULL
) STRICT;
