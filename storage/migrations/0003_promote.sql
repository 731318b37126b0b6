-- Two chores that no service role may do by itself, as functions of a role that cannot log in. The
-- functions take no argument: their callers decide when, never what.

GRANT USAGE, CREATE ON SCHEMA public TO ishara_promote;
GRANT SELECT, DELETE ON draft, dedupe TO ishara_promote;
GRANT INSERT ON report, retaddr_inbox TO ishara_promote;

-- Turns drafts past their time into reports, as they are: everything was signed when it was sealed.
-- The columns come out of the INTAKE record (big-endian): class at byte 2, flags at 3, hour at 4,
-- report_id at 8, queue_id at 24.
CREATE FUNCTION promote() RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH late AS (
    DELETE FROM public.draft
     WHERE draft_id IN (SELECT draft_id FROM public.draft
                         WHERE due <= extract(epoch FROM now()) / 300 LIMIT 500)
       -- Asked again: the row that was found late may have got a new answer meanwhile.
       AND due <= extract(epoch FROM now()) / 300
    RETURNING *),
  reports AS (
    INSERT INTO public.report (report_id, queue_id, hour, class, urgent, record, message, wraps)
    SELECT encode(substr(record, 9, 16), 'hex')::uuid,
           encode(substr(record, 25, 16), 'hex')::uuid,
           ('x' || encode(substr(record, 5, 4), 'hex'))::bit(32)::integer,
           get_byte(record, 2), (get_byte(record, 3) & 1) = 1, record, message, wraps
      FROM late ORDER BY 1),
  addresses AS (
    INSERT INTO public.retaddr_inbox (inbox_id, record, retaddr)
    SELECT gen_random_uuid(), record, retaddr FROM late WHERE retaddr IS NOT NULL)
  SELECT coalesce(sum(promoted), 0)::integer
    FROM (SELECT count(*) AS promoted, pg_notify('queue', encode(substr(record, 25, 16), 'hex'))
            FROM late GROUP BY substr(record, 25, 16)) AS queues;
END;

-- Forgets dedupe hashes of more than 48 hours, a small batch a call.
CREATE FUNCTION forget_dedupe() RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH gone AS (
    DELETE FROM public.dedupe
     WHERE hash IN (SELECT hash FROM public.dedupe
                     WHERE day < floor(extract(epoch FROM now()) / 86400)::integer - 2 LIMIT 1000)
    RETURNING 1)
  SELECT count(*)::integer FROM gone;
END;

ALTER FUNCTION promote() OWNER TO ishara_promote;
ALTER FUNCTION forget_dedupe() OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION promote(), forget_dedupe() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION promote(), forget_dedupe() TO ishara_gateway, ishara_desk;
