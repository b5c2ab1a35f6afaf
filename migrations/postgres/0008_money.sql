-- What is left over of write-offs whose debts were paid after all, or taken back: a projection of the ledger, as the open items
-- are. It pays nothing, and stands until the write-off is taken back.
CREATE TABLE idle_write_off (
    account_id BIGINT NOT NULL,
    entry_id   BIGINT NOT NULL,
    left_cents BIGINT NOT NULL,
    PRIMARY KEY (account_id, entry_id)
);
-- The open items of accounts with write-offs are made anew, as if an entry of theirs had come due.
UPDATE review SET future_on = '2000-01-01' WHERE account_id IN (SELECT account_id FROM entry WHERE kind = 'write_off');

-- Fees of which a person said that they are two: one of ours, and one of the billing system's of the same amount.
CREATE TABLE two_fees (
    account_id BIGINT NOT NULL,
    own_id     BIGINT NOT NULL,
    other_id   BIGINT NOT NULL,
    body       jsonb NOT NULL,
    PRIMARY KEY (account_id, own_id, other_id)
);

-- What an account owes, due or not: a projection of the open items, by which a payment without an account finds those who owe just
-- that. And notices by what they asked for.
ALTER TABLE review ADD COLUMN owed_cents BIGINT NOT NULL DEFAULT 0;
UPDATE review SET owed_cents = (SELECT COALESCE(SUM(open_cents), 0) FROM open_item WHERE open_item.account_id = review.account_id);
CREATE INDEX review_by_owed ON review (owed_cents) WHERE owed_cents > 0;
CREATE INDEX notice_by_amount ON notice ((CAST(body -> 'facts' ->> 'amount' AS BIGINT)));
