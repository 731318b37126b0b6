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
  -- In the order of the chain, so that it looks at those that go and at the first that stays.
  WITH kept AS (
    SELECT o.seq FROM public.audit_origin AS o JOIN public.audit AS a ON a.seq = o.seq
     WHERE ('x' || encode(substr(a.entry, 17, 8), 'hex'))::bit(64)::bigint
             >= extract(epoch FROM now()) - 90 * 86400
     ORDER BY o.seq LIMIT 1),
  gone AS (
    DELETE FROM public.audit_origin
     WHERE seq < coalesce((SELECT seq FROM kept), 9223372036854775807) RETURNING 1)
  SELECT count(*)::integer FROM gone;
END;
ALTER FUNCTION forget_origins() OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION forget_origins() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_origins() TO ishara_desk;
