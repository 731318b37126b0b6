-- Who makes backups tells the audit of each, and of each that was removed; it could read the chain
-- already, as it is in every backup.
GRANT INSERT ON audit TO ishara_backup;
