-- What a night looks for beyond the accounts that are due (debts that follow, customers who come back, debts to be called back,
-- limitations) is looked for where a fact came since the last look, and where a day was reached; never among all accounts.

-- The `facts_seq` at which the account was looked at last. What is below it is to be looked at.
ALTER TABLE review ADD COLUMN looked_seq INTEGER NOT NULL DEFAULT -1;
CREATE INDEX review_to_look ON review (account_id) WHERE looked_seq < facts_seq;

-- The day through which was looked, and the policy that was in force. Of another one everything is looked at.
CREATE TABLE watched (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    through TEXT NOT NULL,
    policy  TEXT NOT NULL
) STRICT;

CREATE INDEX open_item_by_due ON open_item (due_on);

-- The day on which service ends or ended, beside the profile that says so.
ALTER TABLE account ADD COLUMN ended_on TEXT;
UPDATE account SET ended_on = profile ->> 'ended';

CREATE INDEX kinship_untold ON kinship (id) WHERE state = 'open' AND exception_id IS NULL;
CREATE INDEX hold_of_estate ON hold (id) WHERE (body ->> 'estate') IS NOT NULL;
CREATE INDEX petition_unassured ON petition (id)
    WHERE (body ->> 'assurance') IS NULL AND (body ->> 'discharged_on') IS NULL AND (body ->> 'ended') IS NULL;

-- Policies in the order in which they were chosen: two of one instant are no matter of their hashes.
ALTER TABLE policy ADD COLUMN chosen_no INTEGER NOT NULL DEFAULT 0;
UPDATE policy SET chosen_no = (
    SELECT COUNT(*) FROM policy AS other
    WHERE other.chosen_at < policy.chosen_at OR (other.chosen_at = policy.chosen_at AND other.hash >= policy.hash)
);
