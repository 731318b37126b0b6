-- The address from which somebody at the desk acted, with the salt that the entry's detail commits to
-- it by. Not in the row of the entry, which never changes and which others read: the relay does not
-- learn addresses.
CREATE TABLE audit_origin (
  seq           bigint PRIMARY KEY REFERENCES audit ON DELETE CASCADE,
  origin        bytea NOT NULL CHECK (octet_length(origin) = 32)
);
ALTER TABLE audit_origin ALTER origin SET STORAGE EXTERNAL;
GRANT SELECT, INSERT ON audit_origin TO ishara_desk;
GRANT SELECT ON audit_origin TO ishara_backup;

-- They go after 90 days, by the time in the entry.
GRANT SELECT, DELETE ON audit_origin TO ishara_promote;
GRANT CREATE ON SCHEMA public TO ishara_promote;

CREATE FUNCTION forget_origins() RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH gone AS (
    DELETE FROM public.audit_origin AS o
     USING public.audit AS a
     WHERE a.seq = o.seq
       AND ('x' || encode(substr(a.entry, 17, 8), 'hex'))::bit(64)::bigint
             < extract(epoch FROM now()) - 90 * 86400
    RETURNING 1)
  SELECT count(*)::integer FROM gone;
END;
ALTER FUNCTION forget_origins() OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION forget_origins() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_origins() TO ishara_desk;
