-- Texts and notes that a change of owner left with the queue that had the report before. The people
-- of that queue ask for them at each look, so they are found by who gave a report away and not by
-- reading every text.

-- The second byte of a statement is its type: 8 is TRANSFER, with from_queue at byte 24; 9 is
-- CONSENT, with the new class at byte 3.
CREATE INDEX statement_given ON statement (substr(bytes, 25, 16)) WHERE get_byte(bytes, 1) = 8;
CREATE INDEX statement_unshared ON statement (report_id)
  WHERE get_byte(bytes, 1) = 9 AND get_byte(bytes, 3) = 0;
