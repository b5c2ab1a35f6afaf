-- What the money of an account has paid is kept while a service is off, as it is under an arrangement: money pays toward turning
-- it on once. The next night settles the accounts of which one is off already.
UPDATE review SET future_on = LEAST(future_on, CURRENT_DATE + 1)
WHERE account_id IN (SELECT account_id FROM shut_off WHERE restored_at IS NULL);

CREATE INDEX shut_off_standing ON shut_off (account_id) WHERE restored_at IS NULL;
