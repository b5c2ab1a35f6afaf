-- Marks that let a restored or examined record tell what was known when.

-- The last entry that a restoration found. Entries behind it have numbers that may have been given since the backup, and other
-- names for the billing system.
ALTER TABLE restoration ADD COLUMN last_entry BIGINT;

-- When a line of the exceptions list was opened and cleared, to the instant. NULL where that was before there were marks.
ALTER TABLE exception ADD COLUMN opened_at TIMESTAMPTZ;
ALTER TABLE exception ADD COLUMN cleared_at TIMESTAMPTZ;
