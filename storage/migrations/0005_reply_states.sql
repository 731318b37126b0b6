-- A caseworker sees what became of her replies, and replies that have done their work are removed.
-- The desk still has nothing on reply_state: it asks for one report, and never gets the hash that
-- leads to the provider's records.
GRANT SELECT (reply_id, report_id, hour, state, reason, pulled_hour, delivery_state)
  ON reply_state TO ishara_promote;
GRANT SELECT (reply_id, report_id, hour), DELETE ON reply_outbox TO ishara_promote;
GRANT CREATE ON SCHEMA public TO ishara_promote;

CREATE FUNCTION replies_of(report uuid)
  RETURNS TABLE (reply_id uuid, hour integer, state smallint, reason smallint,
                 delivery_state smallint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(o.reply_id, s.reply_id), coalesce(o.hour, s.hour), s.state, s.reason,
         s.delivery_state
    FROM (SELECT reply_id, hour FROM public.reply_outbox WHERE report_id = $1) AS o
    FULL JOIN (SELECT reply_id, hour, state, reason, delivery_state
                 FROM public.reply_state WHERE report_id = $1) AS s ON s.reply_id = o.reply_id
   ORDER BY 2, 1;
END;

-- Sent, refused, first fetched before the hour `fetched`, or submitted before the hour `oldest`.
CREATE FUNCTION forget_replies(fetched integer, oldest integer) RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH gone AS (
    DELETE FROM public.reply_outbox AS o
     WHERE o.hour < $2
        OR EXISTS (SELECT 1 FROM public.reply_state AS s
                    WHERE s.reply_id = o.reply_id
                      AND (s.state IN (3, 7) OR (s.state = 6 AND s.pulled_hour < $1)))
    RETURNING 1)
  SELECT count(*)::integer FROM gone;
END;

ALTER FUNCTION replies_of(uuid) OWNER TO ishara_promote;
ALTER FUNCTION forget_replies(integer, integer) OWNER TO ishara_promote;
REVOKE CREATE ON SCHEMA public FROM ishara_promote;
REVOKE ALL ON FUNCTION replies_of(uuid), forget_replies(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION replies_of(uuid), forget_replies(integer, integer) TO ishara_desk;
