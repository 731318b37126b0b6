-- Two reports of one number that came as two because nobody could ask the relay, and that have the
-- same owner. What the relay has signed says it to the owner's people; the tag is that of the later
-- report's thread, and the epoch that of the older of both threads: with either the row goes. No
-- part of a backup, where it would outlive them.
CREATE TABLE same_sender (
  report_id     uuid NOT NULL,
  other_id      uuid NOT NULL,
  tag           uuid NOT NULL,
  epoch         integer NOT NULL CHECK (epoch > 0),
  link          bytea NOT NULL CHECK (octet_length(link) = 120),
  PRIMARY KEY (report_id, other_id)
);
ALTER TABLE same_sender ALTER link SET STORAGE EXTERNAL;
CREATE INDEX same_sender_other ON same_sender (other_id);
CREATE INDEX same_sender_tag ON same_sender (tag);
CREATE INDEX same_sender_epoch ON same_sender (epoch);

GRANT SELECT, INSERT, DELETE ON same_sender TO ishara_relay;
GRANT SELECT (report_id, other_id, link) ON same_sender TO ishara_desk;
