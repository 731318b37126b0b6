-- The content of a closed report is kept for a time that the deployment sets, from the day on which
-- it was closed. The database keeps that day itself, whoever changes the stage: a report that is
-- opened again, by a later text or by a new owner, has none, and begins anew when it is closed.
ALTER TABLE report ADD closed_day integer CHECK (closed_day > 0);  -- unix time / 86400
UPDATE report SET closed_day = floor(extract(epoch FROM now()) / 86400) WHERE stage = 2;
ALTER TABLE report ADD CHECK ((stage = 2) = (closed_day IS NOT NULL));
GRANT SELECT (closed_day) ON report TO ishara_backup;
CREATE INDEX report_closed ON report (closed_day) WHERE stage = 2;

CREATE FUNCTION stage_changed() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.stage <> 2 THEN
    NEW.closed_day := NULL;
  ELSIF OLD.stage <> 2 THEN
    NEW.closed_day := floor(extract(epoch FROM now()) / 86400);
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER stage_changed BEFORE UPDATE OF stage ON report
  FOR EACH ROW EXECUTE FUNCTION stage_changed();

-- What was signed about a report goes with the last that is left of it. A statement may come before
-- its report, which may wait in a spool; one that names a report nobody knows goes if its own hour
-- (bytes 4 to 7, big-endian) is before `oldest`. A small batch a call.
GRANT SELECT, DELETE ON statement TO ishara_promote;
GRANT SELECT (report_id) ON withdrawn TO ishara_promote;
GRANT CREATE ON SCHEMA public TO ishara_promote;

CREATE FUNCTION forget_statements(oldest integer) RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH gone AS (
    DELETE FROM public.statement
     WHERE hash IN (SELECT s.hash FROM public.statement AS s
                     WHERE NOT EXISTS (SELECT FROM public.report AS r
                                        WHERE r.report_id = s.report_id)
                       AND NOT EXISTS (SELECT FROM public.withdrawn AS w
                                        WHERE w.report_id = s.report_id)
                       AND ('x' || encode(substr(s.bytes, 5, 4), 'hex'))::bit(32)::bigint < $1
                     LIMIT 1000)
    RETURNING 1)
  SELECT count(*)::integer FROM gone;
END;
ALTER FUNCTION stage_changed() OWNER TO ishara_promote;
ALTER FUNCTION forget_statements(integer) OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION stage_changed(), forget_statements(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_statements(integer) TO ishara_desk;
