-- The wrap for a key that a queue has replaced, once somebody of the queue has put one for the
-- present key in its place. Only a client can tell whether that one opens: a lead's does before the
-- replaced key is forgotten, and puts right what does not. One whose key no roster names any more
-- is of no use, and goes with its message.
CREATE TABLE former_wrap (
  queue_id      uuid NOT NULL,
  report_id     uuid NOT NULL,
  message_id    uuid NOT NULL,
  kid           uuid NOT NULL,      -- the replaced key
  part          smallint NOT NULL CHECK (part BETWEEN 0 AND 2),
  user_id       uuid NOT NULL,      -- who sealed it anew
  wrap          bytea NOT NULL CHECK (octet_length(wrap) = 192),
  PRIMARY KEY (queue_id, report_id, message_id, kid)
);
ALTER TABLE former_wrap ALTER wrap SET STORAGE EXTERNAL;
CREATE INDEX former_wrap_report ON former_wrap (report_id);

GRANT SELECT, INSERT, DELETE ON former_wrap TO ishara_desk;
GRANT SELECT ON former_wrap TO ishara_backup;
