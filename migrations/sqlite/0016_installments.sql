-- Money that is to the cent an installment of an arrangement pays the arrangement first: the open items of accounts with one are made
-- anew, as if an entry of theirs had come due.
UPDATE review SET future_on = '2000-01-01' WHERE account_id IN (SELECT account_id FROM arrangement);
