-- How people come and go: rosters that wait for a second person, and those who are about to have keys.
-- Neither is in a backup: what nobody has agreed to within a day has to be said again.

CREATE TABLE proposed_roster (
  organisation  uuid NOT NULL,
  proposer      uuid NOT NULL,
  version       integer NOT NULL CHECK (version > 0),
  until         bigint NOT NULL,  -- unix time
  bytes         bytea NOT NULL,
  signature     bytea NOT NULL CHECK (octet_length(signature) = 64),
  PRIMARY KEY (organisation, proposer)
);

CREATE TABLE enrolment (
  user_id       uuid PRIMARY KEY,
  organisation  uuid NOT NULL,
  code_hash     bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  until         bigint NOT NULL,  -- unix time
  sign_pk       bytea CHECK (octet_length(sign_pk) = 32),
  box_pk        bytea CHECK (octet_length(box_pk) = 32),
  CHECK ((sign_pk IS NULL) = (box_pk IS NULL))
);

GRANT SELECT, INSERT, DELETE ON proposed_roster, enrolment TO ishara_desk;
GRANT UPDATE (until, sign_pk, box_pk) ON enrolment TO ishara_desk;

-- What a queue has given away, in the order of the hashes: a page of it is read from the index alone
-- and not by looking through all that the queue ever gave.
DROP INDEX statement_given;
CREATE INDEX statement_given ON statement (substr(bytes, 25, 16), hash) WHERE get_byte(bytes, 1) = 8;

-- Whether an unfinished dialogue is sealed to this key. The desk may read no draft, but has to know
-- before it lets a key go.
GRANT CREATE ON SCHEMA public TO ishara_promote;
CREATE FUNCTION draft_waits_for(kid uuid) RETURNS boolean
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT EXISTS (SELECT FROM public.draft WHERE position(uuid_send($1) IN wraps) > 0);
END;
ALTER FUNCTION draft_waits_for(uuid) OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION draft_waits_for(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION draft_waits_for(uuid) TO ishara_desk;
