-- What one person wants and a second one has to want too. Rows of a day, which are no part of a
-- backup: who has to be asked again after a restore is asked again.
CREATE TABLE intent (
  digest        bytea NOT NULL CHECK (octet_length(digest) = 32),  -- the same for both calls
  user_id       uuid NOT NULL,
  place         uuid NOT NULL,  -- queue or organisation whose people decide
  action        smallint NOT NULL CHECK (action > 0),
  subject       uuid NOT NULL,
  object        uuid NOT NULL,  -- zeros: none
  hour          integer NOT NULL CHECK (hour > 0),
  PRIMARY KEY (digest, user_id)
);
ALTER TABLE intent ALTER digest SET STORAGE EXTERNAL;
CREATE INDEX intent_place ON intent (place);
CREATE INDEX intent_hour ON intent (hour);
GRANT SELECT, INSERT, DELETE ON intent TO ishara_desk;

-- A report whose content two people keep, whatever becomes of it otherwise, until two people let it
-- go.
ALTER TABLE report ADD legally_held boolean NOT NULL DEFAULT false;
GRANT UPDATE (legally_held) ON report TO ishara_desk;
GRANT SELECT (legally_held) ON report TO ishara_backup;
CREATE INDEX report_legally_held ON report (report_id) WHERE legally_held;
