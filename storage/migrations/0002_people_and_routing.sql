-- Signed rosters, queue grants and the versions of the routing tables.

CREATE TABLE roster (
  issuer        uuid NOT NULL,  -- zeros: the root roster, else the organisation
  version       integer NOT NULL CHECK (version > 0),
  bytes         bytea NOT NULL,
  signature     bytea NOT NULL CHECK (octet_length(signature) = 64),
  PRIMARY KEY (issuer, version)
);

CREATE TABLE qgrant (
  queue_id      uuid NOT NULL,
  user_id       uuid NOT NULL,
  generation    integer NOT NULL CHECK (generation >= 0),
  envelope      bytea NOT NULL CHECK (octet_length(envelope) = 168),
  PRIMARY KEY (user_id, queue_id, generation)
);
ALTER TABLE qgrant ALTER envelope SET STORAGE EXTERNAL;

CREATE TABLE route_version (
  version       integer PRIMARY KEY CHECK (version > 0),
  content       bytea NOT NULL,
  who           text NOT NULL CHECK (length(who) <= 200),
  why           text NOT NULL CHECK (length(why) <= 2000),
  day           integer NOT NULL CHECK (day > 0)
);

-- What was in force, one row a change; the highest step is in force now.
CREATE TABLE route_activation (
  step          integer PRIMARY KEY CHECK (step > 0),
  version       integer NOT NULL REFERENCES route_version,
  who           text NOT NULL CHECK (length(who) <= 200),
  why           text NOT NULL CHECK (length(why) <= 2000),
  day           integer NOT NULL CHECK (day > 0)
);

GRANT SELECT ON roster, route_version, route_activation TO ishara_gateway;
GRANT SELECT ON roster TO ishara_relay;
GRANT SELECT, INSERT ON roster, route_version, route_activation TO ishara_desk;
GRANT SELECT, INSERT, DELETE ON qgrant TO ishara_desk;
