-- Money that pays nothing on an account from which a debt went to another, by the line of the exceptions list that tells of it
-- there. The row stands while the money lies there and the debt is open; a line that was cleared meanwhile was answered by a
-- person, for so much money and so much debt.
CREATE TABLE left_behind (
    from_id      INTEGER NOT NULL REFERENCES account (id),
    to_id        INTEGER NOT NULL REFERENCES account (id),
    exception_id INTEGER NOT NULL REFERENCES exception (id),
    left_cents   INTEGER NOT NULL,
    open_cents   INTEGER NOT NULL,
    PRIMARY KEY (to_id, from_id)
) STRICT;

-- The accounts of a transfer's two entries, beside them: whose debts went where is asked whenever an account is settled.
ALTER TABLE transfer ADD COLUMN from_id INTEGER;
ALTER TABLE transfer ADD COLUMN to_id INTEGER;
UPDATE transfer SET
    from_id = (SELECT account_id FROM entry WHERE entry.id = transfer.credit_id),
    to_id = (SELECT account_id FROM entry WHERE entry.id = transfer.debit_id);
CREATE INDEX transfer_by_from ON transfer (from_id);
CREATE INDEX transfer_by_to ON transfer (to_id);
CREATE INDEX transfer_by_debt ON transfer (debt_id);
