-- A later text changes what its report asks of people: an urgent one puts the report first, and any
-- one opens a closed report again, since nobody looks into closed ones. The gateway may not touch
-- reports, so a function of the role that cannot log in does it, from the signed INTAKE alone
-- (flags at byte 3, bit 0 urgent).

GRANT CREATE ON SCHEMA public TO ishara_promote;
GRANT SELECT (report_id, urgent, stage), UPDATE (urgent, stage) ON report TO ishara_promote;

CREATE FUNCTION texts_added() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE public.report AS r
     SET urgent = r.urgent OR a.urgent,
         stage = CASE WHEN r.stage = 2 THEN 1 ELSE r.stage END
    FROM (SELECT report_id, bool_or((get_byte(record, 3) & 1) = 1) AS urgent
            FROM added GROUP BY report_id ORDER BY report_id) AS a
   WHERE r.report_id = a.report_id AND ((a.urgent AND NOT r.urgent) OR r.stage = 2);
  RETURN NULL;
END
$$;
ALTER FUNCTION texts_added() OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION texts_added() FROM PUBLIC;

CREATE TRIGGER texts_added AFTER INSERT ON text
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION texts_added();
