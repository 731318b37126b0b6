-- A caseworker sees what became of her replies; the hash that leads to the provider's records stays
-- with the relay. The desk removes replies that have done their work.
GRANT SELECT (reply_id, report_id, hour, state, reason, pulled_hour, delivery_state)
  ON reply_state TO ishara_desk;
