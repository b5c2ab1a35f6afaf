-- Deposits, debts that go with their customer, and customers who come back.

-- The billing system's number of the customer, and the name as names are compared: so that the same customer is found.
ALTER TABLE account ADD COLUMN customer TEXT;
ALTER TABLE account ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE account SET name_key = upper(trim(customer_name));
CREATE INDEX account_by_customer ON account (customer) WHERE customer IS NOT NULL;
CREATE INDEX account_by_name ON account (name_key);

-- What the city holds until service ends.
CREATE TABLE deposit (
    id             INTEGER PRIMARY KEY,
    account_id     INTEGER NOT NULL REFERENCES account (id),
    source         TEXT NOT NULL,
    reference      TEXT NOT NULL,
    cents          INTEGER NOT NULL,
    interest_cents INTEGER NOT NULL,
    received_on    TEXT NOT NULL,
    -- The day on which the billing system gave it back.
    returned_on    TEXT,
    -- The credit that it became.
    entry_id       INTEGER UNIQUE REFERENCES entry (id),
    recorded_at    TEXT NOT NULL,
    UNIQUE (reference, source)
) STRICT;
CREATE INDEX deposit_by_account ON deposit (account_id);

-- A debt that went from one account to another: the credit here and the debit there, posted together.
CREATE TABLE transfer (
    credit_id   INTEGER PRIMARY KEY REFERENCES entry (id),
    debit_id    INTEGER NOT NULL UNIQUE REFERENCES entry (id),
    -- The debt on the account that it left.
    debt_id     INTEGER NOT NULL REFERENCES entry (id),
    proposal_id INTEGER NOT NULL REFERENCES proposal (id)
) STRICT;

-- Two accounts that may be the same customer's: what matches, and what a person said of it. A pair is asked for once.
CREATE TABLE kinship (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    -- The account on which something is owed.
    debtor_id  INTEGER NOT NULL REFERENCES account (id),
    matches    TEXT NOT NULL,
    opened_on  TEXT NOT NULL,
    -- `open`, `confirmed` or `rejected`.
    state      TEXT NOT NULL,
    decided_by TEXT,
    decided_on TEXT,
    reason     TEXT,
    exception_id INTEGER REFERENCES exception (id),
    UNIQUE (account_id, debtor_id)
) STRICT;
CREATE INDEX kinship_by_debtor ON kinship (debtor_id);
