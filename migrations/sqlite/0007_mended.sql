-- The last entry that a restoration found. Entries behind it have numbers that may have been given since the backup, and other
-- names for the billing system.
ALTER TABLE restoration ADD COLUMN last_entry INTEGER;

-- What is known of an attempt to send an email that had no answer: the email may have left. NULL where every attempt had one.
ALTER TABLE outbox ADD COLUMN unanswered TEXT;
