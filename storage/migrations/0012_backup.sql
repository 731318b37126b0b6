-- Who makes backups may read what belongs into one, and nothing else: not the hashes of dedupe, which
-- are forgotten after 48 hours, nor who holds a report at this minute, nor what leads to a provider's
-- records.
DO $$
BEGIN
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO ishara_backup', current_database());
END
$$;
GRANT USAGE ON SCHEMA public TO ishara_backup;
GRANT SELECT ON schema_version, roster, qgrant, route_version, route_activation, epoch, statement,
                text, note, retaddr_inbox, draft, thread, retaddr, reply_outbox, withdrawn, audit,
                checkpoint
  TO ishara_backup;
GRANT SELECT (report_id, queue_id, hour, hidden_until, stage, class, urgent, record, message, wraps,
              held)
  ON report TO ishara_backup;
GRANT SELECT (reply_id, report_id, hour, state, reason, pulled_hour, delivery_state, untold)
  ON reply_state TO ishara_backup;
