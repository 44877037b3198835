-- The bypass corpus's database. @SIDE@ is replaced by a or b before it is run: the two databases differ only in what is protected (names, phones,
-- apple_ids, addresses, serials, numbers of calls, and in relations and columns that the policy does not know). Lengths, last two characters of
-- phones and numbers, first characters of apple_ids and NULLs of masked columns are the same, because the masks show them; an address is hidden
-- whole, so its NULLs differ. @NOISE@ statements are run first, so that transaction numbers differ everywhere.
-- Run as superuser in a fresh database named as you like. Nobody's personal data.
SET client_min_messages = warning;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION dblink;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION tablefunc;
CREATE EXTENSION xml2;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION intarray;
CREATE EXTENSION unaccent;
CREATE EXTENSION tsm_system_rows;
CREATE EXTENSION lo;

CREATE FUNCTION public.pick(i int, what text, m int) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$ SELECT (('x' || substr(md5(i || what || '@SIDE@'), 1, 7))::bit(28)::int) % m $$;

CREATE TABLE customers (
  id         bigint PRIMARY KEY,
  full_name  text,
  phone      varchar(32),
  apple_id   text,
  address    text,
  province   text NOT NULL,
  created_at timestamptz NOT NULL
);
INSERT INTO customers SELECT i,
  (ARRAY['Mary','John','Ada','Christopher','Li','Alexandra','Max','Wolfgang'])[1 + pick(i, 'given', 8)] || ' '
    || (ARRAY['Major','Doe','Lovelace','Ng','Featherstonehaugh','Ruiz','Chen','Okafor'])[1 + pick(i, 'family', 8)],
  CASE WHEN i % 25 = 0 THEN NULL ELSE '+1-' || (ARRAY['605','416','604','514'])[1 + pick(i, 'area', 4)] || '-'
    || lpad(pick(i, 'line', 20)::text, 2, '0') || lpad((i % 100)::text, 2, '0') END,
  substr('abcdefghij', 1 + i % 10, 1) || substr(md5(i || 'mail@SIDE@'), 1, 6) || '@example.com',
  CASE WHEN pick(i, 'none', 9) = 0 THEN NULL ELSE (1 + pick(i, 'number', 40)) || ' '
    || (ARRAY['Elm St','Long Meadow Road','High Street','Rue de la Montagne','Bay'])[1 + pick(i, 'street', 5)] END,
  (ARRAY['ON','BC','QC','AB','NS'])[1 + i % 5], timestamptz '2024-01-01 00:00:00Z' + i * interval '7 hours'
FROM generate_series(1, 200) i;
-- Three people that the corpus guesses at.
UPDATE customers SET full_name = 'Mary Major', phone = '+1-605-0107', apple_id = 'h1mary7@example.com', address = '12 Elm St' WHERE id = 7 AND '@SIDE@' = 'a';
UPDATE customers SET full_name = 'Wolfgang Ng', phone = '+1-416-1907', apple_id = 'h9wolf2@example.com', address = NULL WHERE id = 7 AND '@SIDE@' = 'b';
UPDATE customers SET full_name = 'John Doe', phone = '+1-514-0342', apple_id = 'c5johnd@example.com', address = '5 Bay' WHERE id = 42 AND '@SIDE@' = 'a';
UPDATE customers SET full_name = 'Ada Lovelace', phone = '+1-604-1142', apple_id = 'c0lovel@example.com', address = '5 High Street' WHERE id = 42 AND '@SIDE@' = 'b';
VACUUM FULL customers;

CREATE TABLE orders (
  id          bigint PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  item        text NOT NULL,
  amount      numeric(10,2) NOT NULL,
  ordered_at  timestamptz NOT NULL,
  remark      text            -- in no rule of the policy
);
INSERT INTO orders SELECT i, 1 + i % 200, 'item ' || i % 12, (i % 97) * 1.25, timestamptz '2024-06-01 00:00:00Z' + i * interval '5 hours',
  'gift for ' || md5(i || '@SIDE@') FROM generate_series(1, 400) i;
CREATE INDEX orders_customer ON orders (customer_id);

CREATE TABLE devices (serial text PRIMARY KEY, customer_id bigint REFERENCES customers, model text);
INSERT INTO devices SELECT 'SN' || upper(substr(md5(i || 'serial@SIDE@'), 1, 8)), 1 + i % 200, 'model ' || i % 9 FROM generate_series(1, 200) i;

CREATE TABLE tickets (
  id          serial PRIMARY KEY,
  customer_id bigint REFERENCES customers,
  note        text,
  state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  opened_at   timestamptz NOT NULL DEFAULT '2025-01-01 00:00:00Z'
);
INSERT INTO tickets (customer_id, note) SELECT i, 'ticket ' || i FROM generate_series(1, 40) i;
CREATE TABLE products (name text PRIMARY KEY, price numeric(10,2) NOT NULL, tags text[], spec jsonb);
INSERT INTO products SELECT 'item ' || i, 10 + i * 3.5, ARRAY['t' || i % 3, 'all'], jsonb_build_object('size', i, 'parts', jsonb_build_array(i, i + 1))
FROM generate_series(0, 11) i;

-- Partitioned; the partitions are relations that the policy does not name.
CREATE TABLE calls (id bigint, customer_id bigint, number text, called_on date NOT NULL) PARTITION BY RANGE (called_on);
CREATE TABLE calls_2024 PARTITION OF calls FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE calls_2025 PARTITION OF calls FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO calls SELECT i, 1 + i % 200, '+1-' || (100 + pick(i, 'call', 899)) || '-' || lpad((i % 100)::text, 4, '0'), date '2024-06-01' + i FROM generate_series(1, 300) i;

-- Relations that no rule names, though the roles may read them in the database.
CREATE TABLE staff_notes (id int PRIMARY KEY, body text);
INSERT INTO staff_notes SELECT i, 'note about ' || md5(i || 'staff@SIDE@') FROM generate_series(1, 20) i;
CREATE TABLE vault (id int PRIMARY KEY, secret text);
INSERT INTO vault SELECT i, md5(i || 'vault@SIDE@') FROM generate_series(1, 5) i;
CREATE MATERIALIZED VIEW customers_copy AS SELECT id, phone, full_name FROM customers;
CREATE TABLE products_old () INHERITS (products);

-- Row scope: the roles may see the north only.
CREATE TABLE visits (id int PRIMARY KEY, region text NOT NULL, remark text NOT NULL, amount int NOT NULL);
INSERT INTO visits SELECT i, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END,
  CASE WHEN i % 3 = 0 THEN 'visit ' || i ELSE 'secret ' || md5(i || 'visit@SIDE@') END, CASE WHEN i % 3 = 0 THEN i ELSE 1000 + pick(i, 'visit', 50) END
FROM generate_series(1, 60 + CASE '@SIDE@' WHEN 'a' THEN 2 ELSE 1 END) i;
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY north ON visits FOR SELECT USING (region = 'north');
CREATE TABLE branches (id int PRIMARY KEY, region text NOT NULL, remark text NOT NULL, amount int NOT NULL);
INSERT INTO branches SELECT * FROM visits;
CREATE VIEW branches_north AS SELECT * FROM branches WHERE region = 'north';
CREATE VIEW branches_north_safe WITH (security_barrier) AS SELECT * FROM branches WHERE region = 'north';

CREATE VIEW customers_public AS SELECT id, '+1-***-**' || right(phone, 2) AS phone_masked, province FROM customers;
CREATE VIEW contact_card AS SELECT id, full_name AS name, phone AS contact, apple_id AS mail, province FROM customers;
CREATE VIEW order_list AS SELECT o.id, o.item, o.amount, c.province FROM orders o JOIN customers c ON c.id = o.customer_id;

CREATE FUNCTION find_customers(text) RETURNS SETOF customers LANGUAGE sql STABLE AS 'SELECT * FROM public.customers WHERE province = $1';
CREATE FUNCTION customer_contact(bigint) RETURNS TABLE (name text, contact text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  AS 'SELECT full_name, phone::text FROM public.customers WHERE id = $1';
CREATE FUNCTION customer_count(text) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT count(*) FROM customers WHERE phone LIKE $1';
CREATE FUNCTION customer_province(bigint) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS 'SELECT province FROM public.customers WHERE id = $1';
CREATE FUNCTION run_report(q text) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE q; END';
CREATE FUNCTION phone_of(customers) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1.phone::text';
CREATE FUNCTION contact_of(bigint) RETURNS text LANGUAGE sql STABLE AS 'SELECT phone::text FROM public.customers WHERE id = $1';
CREATE OPERATOR ~~> (RIGHTARG = bigint, FUNCTION = contact_of);
CREATE FUNCTION join_contact(text, bigint) RETURNS text LANGUAGE sql STABLE AS 'SELECT concat_ws('','', $1, (SELECT phone FROM public.customers WHERE id = $2))';
CREATE AGGREGATE all_contacts(bigint) (SFUNC = join_contact, STYPE = text);
CREATE PROCEDURE tell(bigint, INOUT said text) LANGUAGE plpgsql AS 'BEGIN SELECT phone INTO said FROM public.customers WHERE id = $1; END';
CREATE DOMAIN short AS text CHECK (length(VALUE) < 4);
CREATE TYPE card AS (a text, b text);
CREATE SEQUENCE counter;

CREATE ROLE clerk NOLOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk;
REVOKE ALL ON vault, branches FROM clerk;
GRANT INSERT, UPDATE, DELETE ON tickets TO clerk;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clerk;
CREATE ROLE auditor NOLOGIN;
GRANT SELECT ON vault TO auditor;
CREATE ROLE mira LOGIN PASSWORD 'mira-Secret-1' IN ROLE clerk;
CREATE ROLE noor LOGIN PASSWORD 'noor-Secret-2' IN ROLE clerk;
CREATE ROLE sam LOGIN PASSWORD 'sam-Secret-3' IN ROLE clerk;
CREATE ROLE tess LOGIN PASSWORD 'tess-Secret-4' IN ROLE clerk;
CREATE ROLE pool LOGIN NOINHERIT PASSWORD 'pool-Secret-5' IN ROLE clerk, auditor;
CREATE ROLE admin LOGIN SUPERUSER PASSWORD 'admin-Secret-6';

-- A loop-back server with a password of its own for everybody.
DO $$ BEGIN
  EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
END $$;
GRANT USAGE ON FOREIGN SERVER loop TO clerk;
CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'admin', password 'admin-Secret-6');
CREATE FOREIGN TABLE far_customers (id bigint, phone text) SERVER loop OPTIONS (schema_name 'public', table_name 'customers');
GRANT SELECT ON far_customers TO clerk;

-- What a gateway may need: a control role, and a function that gives it a login's secret (the shape of PgBouncer's auth_query).
CREATE SCHEMA gatehouse;
CREATE ROLE gatehouse_control LOGIN PASSWORD 'control-Secret-5';
CREATE FUNCTION gatehouse.get_auth(name text) RETURNS TABLE (usename name, passwd text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin $$;
REVOKE ALL ON FUNCTION gatehouse.get_auth(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA gatehouse TO gatehouse_control;
GRANT EXECUTE ON FUNCTION gatehouse.get_auth(text) TO gatehouse_control;

-- Undoes what an attack has written, so that the next one starts from the same data.
CREATE SCHEMA bypass;
CREATE TABLE bypass.tickets AS SELECT * FROM tickets;
CREATE FUNCTION bypass.reset() RETURNS void LANGUAGE plpgsql SET search_path = public AS $$
DECLARE r record;
BEGIN
  DELETE FROM tickets;
  INSERT INTO tickets SELECT * FROM bypass.tickets ORDER BY id;
  PERFORM setval('tickets_id_seq', 1000), setval('counter', 1);
  PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
  FOR r IN SELECT rolname FROM pg_roles WHERE rolname IN ('mira', 'noor', 'sam', 'tess', 'pool') LOOP
    EXECUTE format('ALTER ROLE %I RESET ALL', r.rolname);
    EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', r.rolname, current_database());
  END LOOP;
END $$;
DO $$ BEGIN FOR i IN 1..@NOISE@ LOOP EXECUTE 'CREATE TABLE bypass.noise (i int)'; EXECUTE 'DROP TABLE bypass.noise'; END LOOP; END $$;
SELECT lo_unlink(0) WHERE false;
SELECT bypass.reset();
ANALYZE;
