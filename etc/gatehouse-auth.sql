-- What the gate needs in the database that it serves. Run once as a superuser:
--   psql -X -d YOURDB -f gatehouse-auth.sql
-- then give gatehouse_control a password, and name it in gatehouse.conf: control = "host=... dbname=YOURDB user=gatehouse_control"
--
-- The control role reads the catalogue (which everybody may) and, through one function, the SCRAM verifiers of the roles that log in.
-- A verifier is not a password, and the gate keeps none: it lets the gate check a log-in and pass it on as the same role.
BEGIN;
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'gatehouse_control') THEN
		CREATE ROLE gatehouse_control LOGIN;
	END IF;
END
$$;
CREATE SCHEMA IF NOT EXISTS gatehouse;
CREATE OR REPLACE FUNCTION gatehouse.get_auth(role_name text, OUT usename name, OUT passwd text)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	-- Superusers and replication roles do not come through the gate; an expired password is no password.
	SELECT a.rolname, a.rolpassword
	FROM pg_catalog.pg_authid a
	WHERE a.rolname = role_name AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication
		AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > now())
$$;
REVOKE ALL ON SCHEMA gatehouse FROM PUBLIC;
REVOKE ALL ON FUNCTION gatehouse.get_auth(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA gatehouse TO gatehouse_control;
GRANT EXECUTE ON FUNCTION gatehouse.get_auth(text) TO gatehouse_control;
COMMIT;
