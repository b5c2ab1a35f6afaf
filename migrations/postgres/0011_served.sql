-- Each decision sees what was taken off an account's debts and is no money: a notice that asked for it carries no shut-off.
CREATE INDEX entry_taken_off ON entry (account_id)
    WHERE cents < 0 AND kind IN ('adjustment', 'reversal', 'transfer', 'write_off');
