-- The roles of Ishara. They belong to the cluster, not to one database, so this file has no number:
-- it runs before the migrations each time and changes nothing the second time. Only a superuser (or
-- a role with CREATEROLE) can make what is missing; afterwards ishara_owner is enough.
--
-- None has a password: who may be which role is said by pg_hba.conf and pg_ident.conf.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES ('ishara_owner', 'LOGIN'),      -- migrations only, never a service
                          ('ishara_gateway', 'LOGIN'),
                          ('ishara_relay', 'LOGIN'),
                          ('ishara_desk', 'LOGIN'),
                          ('ishara_backup', 'LOGIN'),
                          ('ishara_promote', 'NOLOGIN'))  -- owns the SECURITY DEFINER functions
                  AS r (name, login)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
      EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.login);
    END IF;
  END LOOP;
  -- The owner hands functions over to ishara_promote; without membership Postgres forbids it.
  IF NOT pg_catalog.pg_has_role('ishara_owner', 'ishara_promote', 'MEMBER') THEN
    GRANT ishara_promote TO ishara_owner;
  END IF;
END
$$;
