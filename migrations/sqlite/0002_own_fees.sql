-- Each decision sees the fees that Arrears has charged the account, so that none is charged twice for a bill, and none
-- stays that had no ground.
CREATE INDEX entry_own_fee ON entry (account_id) WHERE source = 'arrears' AND kind = 'fee';
