-- The last entry that a restoration found. Entries behind it have numbers that may have been given since the backup, and other
-- names for the billing system.
ALTER TABLE restoration ADD COLUMN last_entry BIGINT;
