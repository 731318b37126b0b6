-- The hot path: reports and what belongs to them. Everything that tells something is sealed; the
-- columns are what queues and retention need. Ids are random, times are whole hours: no serial and
-- no clock tells the order of arrival. The CHECKs are the layouts of sealed things, so that a
-- damaged row fails here and not on a caseworker's screen.

DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO ishara_gateway, ishara_relay, ishara_desk',
                 current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ishara_gateway, ishara_relay, ishara_desk;
GRANT SELECT ON schema_version TO ishara_gateway, ishara_relay, ishara_desk;

CREATE TABLE report (
  report_id     uuid PRIMARY KEY,
  queue_id      uuid NOT NULL,
  hour          integer NOT NULL CHECK (hour > 0),
  hidden_until  integer,                 -- hour; set while a withdrawal by number alone waits
  stage         smallint NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 2),
  class         smallint NOT NULL CHECK (class BETWEEN 0 AND 1),
  urgent        boolean NOT NULL,
  lease_user    uuid,
  lease_until   timestamptz CHECK ((lease_until IS NULL) = (lease_user IS NULL)),
  record        bytea NOT NULL CHECK (octet_length(record) = 184),
  message       bytea NOT NULL
                CHECK (octet_length(message) >= 584 AND octet_length(message) % 512 = 72),
  wraps         bytea NOT NULL
                CHECK (octet_length(wraps) BETWEEN 192 AND 1536 AND octet_length(wraps) % 192 = 0)
);
ALTER TABLE report ALTER record SET STORAGE EXTERNAL, ALTER message SET STORAGE EXTERNAL,
                   ALTER wraps SET STORAGE EXTERNAL;
-- The order of lists and pulls. Urgency and hour come first in the eye, the queue in the index.
CREATE INDEX report_open ON report (queue_id, urgent DESC, hour, report_id) WHERE stage < 2;

CREATE TABLE text (
  message_id    uuid PRIMARY KEY,
  report_id     uuid NOT NULL,
  queue_id      uuid NOT NULL,
  hour          integer NOT NULL CHECK (hour > 0),
  record        bytea NOT NULL CHECK (octet_length(record) = 184),
  message       bytea NOT NULL
                CHECK (octet_length(message) >= 584 AND octet_length(message) % 512 = 72),
  wraps         bytea NOT NULL
                CHECK (octet_length(wraps) BETWEEN 192 AND 1536 AND octet_length(wraps) % 192 = 0)
);
ALTER TABLE text ALTER record SET STORAGE EXTERNAL, ALTER message SET STORAGE EXTERNAL,
                 ALTER wraps SET STORAGE EXTERNAL;
-- No foreign key: a spooled text may arrive before its report, and the gateway cannot read reports.
CREATE INDEX text_report ON text (report_id, hour);

CREATE TABLE note (
  message_id    uuid PRIMARY KEY,
  report_id     uuid NOT NULL,
  author        uuid NOT NULL,
  hour          integer NOT NULL CHECK (hour > 0),
  note          bytea NOT NULL CHECK (octet_length(note) >= 648 AND octet_length(note) % 512 = 136),
  wraps         bytea NOT NULL
                CHECK (octet_length(wraps) BETWEEN 192 AND 1536 AND octet_length(wraps) % 192 = 0)
);
ALTER TABLE note ALTER note SET STORAGE EXTERNAL, ALTER wraps SET STORAGE EXTERNAL;
CREATE INDEX note_report ON note (report_id, hour);

CREATE TABLE retaddr_inbox (
  inbox_id      uuid PRIMARY KEY,
  record        bytea NOT NULL CHECK (octet_length(record) = 184),
  retaddr       bytea NOT NULL CHECK (octet_length(retaddr) = 192)
);
ALTER TABLE retaddr_inbox ALTER record SET STORAGE EXTERNAL, ALTER retaddr SET STORAGE EXTERNAL;

CREATE TABLE draft (
  draft_id      uuid PRIMARY KEY,
  due           integer NOT NULL CHECK (due > 0),  -- unix time / 300, rounded up
  record        bytea NOT NULL CHECK (octet_length(record) = 184),
  message       bytea NOT NULL
                CHECK (octet_length(message) >= 584 AND octet_length(message) % 512 = 72),
  wraps         bytea NOT NULL
                CHECK (octet_length(wraps) BETWEEN 192 AND 1536 AND octet_length(wraps) % 192 = 0),
  retaddr       bytea CHECK (octet_length(retaddr) = 192)
);
ALTER TABLE draft ALTER record SET STORAGE EXTERNAL, ALTER message SET STORAGE EXTERNAL,
                  ALTER wraps SET STORAGE EXTERNAL, ALTER retaddr SET STORAGE EXTERNAL;

CREATE TABLE dedupe (
  hash          uuid PRIMARY KEY,
  day           integer NOT NULL CHECK (day > 0),  -- unix time / 86400
  answer_class  smallint NOT NULL
);
-- Days only grow, so a block-range index finds the old rows and costs the writer nothing.
CREATE INDEX dedupe_day ON dedupe USING brin (day) WITH (pages_per_range = 32, autosummarize = on);

GRANT INSERT ON report, text, retaddr_inbox, dedupe TO ishara_gateway;
GRANT SELECT ON dedupe TO ishara_gateway;
GRANT INSERT, UPDATE, DELETE ON draft TO ishara_gateway;
GRANT SELECT (draft_id) ON draft TO ishara_gateway;

GRANT SELECT, DELETE ON retaddr_inbox TO ishara_relay;
GRANT SELECT (report_id, record, stage) ON report TO ishara_relay;

GRANT SELECT, DELETE ON report, text TO ishara_desk;
GRANT UPDATE (queue_id, stage, urgent, hidden_until, lease_user, lease_until, wraps)
  ON report TO ishara_desk;
GRANT UPDATE (queue_id, wraps) ON text TO ishara_desk;
GRANT SELECT, INSERT, DELETE ON note TO ishara_desk;
GRANT UPDATE (wraps) ON note TO ishara_desk;
