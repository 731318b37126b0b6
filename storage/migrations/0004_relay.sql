-- What the relay knows, what a caseworker answers, and what changes a report after its first text.

-- Announcements of the keys to which return addresses and replies are sealed. A table of its own:
-- the relay must add rows here and may add none to `roster`.
CREATE TABLE epoch (
  epoch         integer NOT NULL CHECK (epoch > 0),  -- unix time / 604800
  kid           uuid NOT NULL,                       -- of the key: a lost one is announced anew
  announcement  bytea NOT NULL CHECK (octet_length(announcement) = 120),
  PRIMARY KEY (epoch, kid)
);

CREATE TABLE statement (
  hash          uuid PRIMARY KEY,  -- of the whole statement
  report_id     uuid NOT NULL,
  bytes         bytea NOT NULL CHECK (octet_length(bytes) = 136)
);
ALTER TABLE statement ALTER bytes SET STORAGE EXTERNAL;
CREATE INDEX statement_report ON statement (report_id);

-- A number or a ref, as a hash under the epoch's key, and a report that it stands for. A number may
-- stand for several; a ref that does was drawn twice, and opens none of them.
CREATE TABLE thread (
  tag           uuid NOT NULL,
  epoch         integer NOT NULL CHECK (epoch > 0),
  kind          text NOT NULL CHECK (kind IN ('n', 'c', 'u')),  -- number, ref, unverified ref
  report_id     uuid NOT NULL,
  origin        uuid NOT NULL,
  mac           bytea NOT NULL CHECK (octet_length(mac) = 32),
  day           integer NOT NULL CHECK (day > 0),  -- of the last contact, unix time / 86400
  PRIMARY KEY (tag, report_id, epoch)
);
CREATE INDEX thread_report ON thread (report_id);

-- Where the reporter of a report can be answered: RETADDR, sealed by the relay for itself, and a MAC.
CREATE TABLE retaddr (
  report_id     uuid PRIMARY KEY,
  epoch         integer NOT NULL CHECK (epoch > 0),
  address       bytea NOT NULL CHECK (octet_length(address) = 224),
  day           integer NOT NULL CHECK (day > 0),  -- of the last contact
  closed_day    integer CHECK (closed_day > 0)     -- when the relay saw that the report is closed
);
ALTER TABLE retaddr ALTER address SET STORAGE EXTERNAL;

CREATE TABLE reply_outbox (
  reply_id      uuid PRIMARY KEY,
  report_id     uuid NOT NULL,
  hour          integer NOT NULL CHECK (hour > 0),
  reply         bytea NOT NULL CHECK (octet_length(reply) = 712)
);
ALTER TABLE reply_outbox ALTER reply SET STORAGE EXTERNAL;
CREATE INDEX reply_outbox_report ON reply_outbox (report_id);

-- What became of each reply. Marked before it is sent, so that a crash never sends it twice.
CREATE TABLE reply_state (
  reply_id       uuid PRIMARY KEY,
  report_id      uuid NOT NULL,
  hour           integer NOT NULL CHECK (hour > 0),
  state          smallint NOT NULL CHECK (state BETWEEN 0 AND 15),
  reason         smallint NOT NULL DEFAULT 0 CHECK (reason >= 0),
  pulled_hour    integer CHECK (pulled_hour > 0),  -- the first time
  delivery       uuid,                             -- keyed hash of the provider's id, for 48 hours
  delivery_state smallint CHECK (delivery_state BETWEEN 1 AND 4)
);
CREATE INDEX reply_state_report ON reply_state (report_id);
CREATE INDEX reply_state_delivery ON reply_state (delivery) WHERE delivery IS NOT NULL;

GRANT INSERT ON statement TO ishara_gateway;
GRANT SELECT ON epoch TO ishara_gateway;

GRANT SELECT, INSERT, UPDATE, DELETE ON thread, retaddr, reply_state TO ishara_relay;
GRANT SELECT, INSERT ON statement, epoch TO ishara_relay;
GRANT SELECT ON reply_outbox TO ishara_relay;

GRANT SELECT, INSERT ON statement TO ishara_desk;
GRANT SELECT ON epoch TO ishara_desk;
GRANT SELECT, INSERT, DELETE ON reply_outbox TO ishara_desk;
