-- What every program does: settings, transactions, prepared statements, cursors, COPY, the catalogue.
-- section: everyday
-- name: constants and functions
SELECT 1, 'x', 1.5, NULL, true, ARRAY[1, 2], now() IS NOT NULL, current_user, session_user, current_database(), current_schema();
-- name: version
SELECT version();
-- name: empty statement
;
-- name: keep-alive
SELECT 1 /* ping */;
-- name: transaction
BEGIN;
SELECT count(*) FROM tickets;
COMMIT;
-- name: transaction words
START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) FROM orders;
END;
-- name: rollback
BEGIN;
INSERT INTO tickets (customer_id, note) VALUES (1, 'gone');
ROLLBACK;
SELECT count(*) FROM tickets;
-- name: savepoints
BEGIN;
INSERT INTO tickets (customer_id, note) VALUES (1, 'kept');
SAVEPOINT a;
INSERT INTO tickets (customer_id, note) VALUES (1, 'gone');
ROLLBACK TO SAVEPOINT a;
RELEASE SAVEPOINT a;
COMMIT;
SELECT count(*) FROM tickets;
-- name: set transaction
BEGIN;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT 1;
COMMIT;
-- name: session characteristics
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
-- name: set application_name
SET application_name = 'report 7';
SHOW application_name;
-- name: set datestyle, intervalstyle, timezone
SET datestyle = 'ISO, DMY';
SET intervalstyle = 'postgres';
SET TIME ZONE 'UTC';
SHOW datestyle;
SHOW TIME ZONE;
-- name: set what is so already
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SHOW client_encoding;
SHOW standard_conforming_strings;
-- name: set extra_float_digits
SET extra_float_digits = 3;
SELECT 0.1::float8 + 0.2;
-- name: set timeouts
SET statement_timeout = '30s';
SET lock_timeout = 5000;
SET idle_in_transaction_session_timeout = 0;
SHOW statement_timeout;
-- name: set local
BEGIN;
SET LOCAL statement_timeout = '5s';
SHOW statement_timeout;
COMMIT;
-- name: reset
SET statement_timeout = '30s';
RESET statement_timeout;
SHOW statement_timeout;
-- name: reset all
RESET ALL;
-- name: discard
DISCARD ALL;
-- name: show server settings
SHOW server_version;
SHOW server_version_num;
SHOW max_identifier_length;
SHOW transaction_isolation;
-- name: current_setting
SELECT current_setting('server_version_num')::int > 90000, current_setting('TimeZone');
-- name: prepare, execute, deallocate
-- masks: phone last 2
PREPARE look (bigint) AS SELECT id, phone FROM customers WHERE id = $1;
EXECUTE look (7);
EXECUTE look (8);
DEALLOCATE look;
-- name: prepare with text and null
PREPARE add (bigint, text) AS INSERT INTO tickets (customer_id, note) VALUES ($1, $2) RETURNING customer_id, note;
EXECUTE add (7, 'it''s');
EXECUTE add (8, NULL);
DEALLOCATE ALL;
-- name: prepare without types
PREPARE p AS SELECT id, item FROM orders WHERE id = $1;
EXECUTE p (3);
-- name: cursor
-- masks: full_name fixed (name)
BEGIN;
DECLARE k CURSOR FOR SELECT id, full_name FROM customers ORDER BY id;
FETCH 5 FROM k;
FETCH NEXT FROM k;
FETCH FORWARD 3 FROM k;
CLOSE k;
COMMIT;
-- name: cursor over open columns, moved
BEGIN;
DECLARE k CURSOR FOR SELECT id, item FROM orders ORDER BY id;
MOVE 10 FROM k;
FETCH 2 FROM k;
CLOSE k;
COMMIT;
-- name: copy query to stdout
-- simple:
COPY (SELECT id, province FROM customers WHERE id < 20 ORDER BY id) TO STDOUT;
-- name: copy query as csv
-- simple:
COPY (SELECT id, item, amount FROM orders WHERE id < 20 ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER true, DELIMITER ';');
-- name: copy of an open table
-- simple:
COPY products (name, price) TO STDOUT WITH CSV;
-- name: insert, update, delete
INSERT INTO tickets (customer_id, note, state) VALUES (7, 'first', 'open');
UPDATE tickets SET note = note || '!' WHERE customer_id = 7;
DELETE FROM tickets WHERE note = 'first!';
SELECT count(*) FROM tickets;
-- name: catalogue: tables
SELECT schemaname, tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY 1, 2;
-- name: catalogue: views
SELECT table_name FROM information_schema.views WHERE table_schema = 'public' ORDER BY 1;
-- name: catalogue: information_schema tables
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 2;
-- name: catalogue: information_schema columns
SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position;
-- name: catalogue: constraints
SELECT tc.constraint_name, tc.constraint_type FROM information_schema.table_constraints tc WHERE tc.table_name = 'tickets' AND tc.constraint_type <> 'CHECK' ORDER BY 1;
-- name: catalogue: foreign keys
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'orders'::regclass ORDER BY 1;
-- name: catalogue: indexes
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'orders' ORDER BY 1;
-- name: catalogue: types
SELECT oid, typname, typarray FROM pg_type WHERE typname IN ('int4', 'text', 'hstore', 'citext') ORDER BY typname;
-- name: catalogue: enum labels and ranges
SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid ORDER BY 1;
-- name: catalogue: functions
SELECT p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND p.proname LIKE 'customer%' ORDER BY 1;
-- name: catalogue: roles
SELECT rolname, rolsuper, rolcanlogin FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname;
-- name: catalogue: schemas
SELECT schema_name FROM information_schema.schemata ORDER BY 1;
-- name: catalogue: extensions
SELECT extname, extversion FROM pg_extension ORDER BY 1;
-- name: catalogue: sequences
SELECT sequence_name, increment FROM information_schema.sequences WHERE sequence_schema = 'public' ORDER BY 1;
-- name: catalogue: privileges
SELECT has_table_privilege('customers', 'select'), has_schema_privilege('public', 'usage'), pg_has_role('clerk', 'usage');
-- name: catalogue: settings
SELECT name, setting FROM pg_settings WHERE name IN ('server_version_num', 'max_identifier_length', 'integer_datetimes') ORDER BY name;
-- name: catalogue: databases
SELECT datname, pg_encoding_to_char(encoding) FROM pg_database WHERE NOT datistemplate ORDER BY 1;
-- name: catalogue: time zones
SELECT count(*) > 100 FROM pg_timezone_names;
-- name: catalogue: comments and defaults
SELECT a.attname, col_description(a.attrelid, a.attnum), pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = 'public.tickets'::regclass AND a.attnum > 0 ORDER BY a.attnum;
-- name: backend pid
-- loose: each session's own
SELECT pg_backend_pid();
-- name: time
-- loose: it passes
SELECT now(), current_timestamp, clock_timestamp(), current_date, localtime;
-- name: random uuid
-- loose: random
SELECT gen_random_uuid();
