-- A report that its queue's people have deleted leaves what one leaves that its reporter took back.
-- Nothing was signed about it, so its row says why; the relay forgets the ways to its reporter, and
-- tells gateways that a sitting has to begin a new report.
ALTER TABLE withdrawn ADD by_leads boolean NOT NULL DEFAULT false;
CREATE INDEX withdrawn_by_leads ON withdrawn (report_id) WHERE by_leads;
GRANT SELECT (report_id, by_leads) ON withdrawn TO ishara_relay;
