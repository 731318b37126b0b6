-- What is looked for again and again is found by an index, however much was signed and erased before.

-- Erased reports of which the audit does not know yet.
CREATE INDEX withdrawn_untold ON withdrawn (hour) WHERE NOT told;

-- The queues to which reports were given: byte 40 of a TRANSFER is to_queue. One of them may have
-- lost a report again because its reporter took the consent back.
CREATE INDEX statement_received ON statement (substr(bytes, 41, 16)) WHERE get_byte(bytes, 1) = 8;
