-- Who did what to which report, as a chain in which every entry holds the hash of the one before it,
-- and checkpoints, with which the relay says what it has seen. Nobody may change or remove a row.

CREATE TABLE audit (
  seq           bigint PRIMARY KEY CHECK (seq > 0),
  entry         bytea NOT NULL CHECK (octet_length(entry) = 136),
  detail        text NOT NULL  -- JSON
);
ALTER TABLE audit ALTER entry SET STORAGE EXTERNAL, ALTER detail SET STORAGE EXTERNAL;

CREATE TABLE checkpoint (
  seq           bigint PRIMARY KEY CHECK (seq > 0),
  bytes         bytea NOT NULL CHECK (octet_length(bytes) = 136)
);
ALTER TABLE checkpoint ALTER bytes SET STORAGE EXTERNAL;

-- What a reporter brings about is told to the audit in the next hour, in the order of random ids:
-- an entry at its own moment, between others, would say when somebody had a phone in hand.
ALTER TABLE reply_state ADD untold smallint CHECK (untold IN (3, 4));  -- the state to be told
CREATE INDEX reply_state_untold ON reply_state (reply_id) WHERE untold IS NOT NULL;
ALTER TABLE withdrawn ADD told boolean NOT NULL DEFAULT false;

GRANT SELECT, INSERT ON audit TO ishara_desk, ishara_relay;
GRANT SELECT, INSERT ON checkpoint TO ishara_relay;
GRANT SELECT ON checkpoint TO ishara_desk;
GRANT UPDATE (told) ON withdrawn TO ishara_desk;

-- Entries are kept for three years. Those before the first one that is younger go; whoever writes
-- an entry with an old time therefore takes nothing with it.
GRANT SELECT, DELETE ON audit, checkpoint TO ishara_promote;
GRANT CREATE ON SCHEMA public TO ishara_promote;

CREATE FUNCTION forget_audit() RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH kept AS (
    SELECT seq FROM public.audit
     WHERE ('x' || encode(substr(entry, 17, 8), 'hex'))::bit(64)::bigint
             >= extract(epoch FROM now()) - 3 * 365 * 86400
     ORDER BY seq LIMIT 1),
  points AS (DELETE FROM public.checkpoint WHERE seq < (SELECT seq FROM kept)),
  gone AS (DELETE FROM public.audit WHERE seq < (SELECT seq FROM kept) RETURNING 1)
  SELECT count(*)::integer FROM gone;
END;
ALTER FUNCTION forget_audit() OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION forget_audit() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_audit() TO ishara_desk;
