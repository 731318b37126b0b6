-- Reports that their reporter has taken back. The desk finds them without reading every statement
-- or every report, and can say afterwards, to the last owner alone, why a report is gone.

-- The second byte of a statement is its type: 12 is WITHDRAW.
CREATE INDEX statement_withdraw ON statement (report_id) WHERE get_byte(bytes, 1) = 12;
CREATE INDEX report_hidden ON report (report_id) WHERE hidden_until IS NOT NULL;

-- What is left of such a report: its first INTAKE, which shows whose it was and holds no content.
CREATE TABLE withdrawn (
  report_id     uuid PRIMARY KEY,
  hour          integer NOT NULL CHECK (hour > 0),  -- when it was erased
  record        bytea NOT NULL CHECK (octet_length(record) = 184)
);
ALTER TABLE withdrawn ALTER record SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, DELETE ON withdrawn TO ishara_desk;
