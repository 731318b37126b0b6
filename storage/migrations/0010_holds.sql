-- A report that was withdrawn by number alone, hidden as it is, is not deleted while a lead says that
-- a life is at risk. Who said so, and when, stands in the audit.
ALTER TABLE report ADD held boolean NOT NULL DEFAULT false;

GRANT UPDATE (held) ON report TO ishara_desk;
