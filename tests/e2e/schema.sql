-- The fixture of the end-to-end tests: one shop, its customers, and every shape of relation that shows them.
CREATE TABLE customers (
  id         bigint PRIMARY KEY,
  full_name  text NOT NULL,
  phone      varchar(32),
  mobile     text,
  email      text,
  account_id text,
  address    text,
  province   text,
  created_at timestamptz NOT NULL,
  note       text
);
INSERT INTO customers
SELECT i, (ARRAY['Wang Fang','Li Na','张伟','Ann Smith','陈静'])[1 + i % 5] || ' ' || i,
       '138' || lpad(i::text, 8, '0'),
       CASE WHEN i % 3 = 0 THEN NULL ELSE '+86 139-' || lpad(i::text, 8, '0') END,
       CASE WHEN i % 7 = 0 THEN NULL ELSE 'User' || i || '@Example.com' END,
       'ACC-' || i, 'No. ' || i || ' Long Street', (ARRAY['Zhejiang','Jiangsu','Beijing'])[1 + i % 3],
       timestamptz '2015-01-01 00:00:00Z' + i * interval '1 hour', NULL
FROM generate_series(1, 2000) i;

CREATE TABLE orders (
  id          bigint PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  amount      numeric(12,2) NOT NULL,
  item        text,
  ordered_at  timestamptz NOT NULL
);
INSERT INTO orders SELECT i, 1 + i % 2000, (i % 977) * 1.25, 'item ' || i % 50,
       timestamptz '2016-01-01 00:00:00Z' + i * interval '1 minute' FROM generate_series(1, 4000) i;
CREATE INDEX ON orders (customer_id);

CREATE TABLE devices (serial text PRIMARY KEY, customer_id bigint REFERENCES customers, model text);
INSERT INTO devices SELECT 'SN' || lpad(i::text, 6, '0'), 1 + i % 2000, 'model ' || i % 9 FROM generate_series(1, 2000) i;

CREATE TABLE tickets (id int PRIMARY KEY, customer_id bigint REFERENCES customers, subject text, state text DEFAULT 'open');
INSERT INTO tickets SELECT i, 1 + i % 100, 'ticket ' || i, 'open' FROM generate_series(1, 300) i;

-- A second subject, with a uuid for a key.
CREATE TABLE contacts (id uuid PRIMARY KEY, email text, company text);
INSERT INTO contacts SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'c' || i || '@partner.example', 'Partner ' || i % 4
FROM generate_series(1, 50) i;

-- Partitioned, linked to customers.
CREATE TABLE visits (id bigint, customer_id bigint, visited date NOT NULL, place text) PARTITION BY RANGE (visited);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO visits SELECT i, 1 + i % 500, date '2024-01-01' + i, 'shop ' || i % 7 FROM generate_series(1, 700) i;

CREATE VIEW v_customer AS SELECT id, full_name, phone AS tel, province FROM customers;
CREATE VIEW v_nested AS SELECT id AS number, tel FROM v_customer WHERE province = 'Beijing';
CREATE VIEW v_nokey AS SELECT full_name, province FROM customers;
CREATE VIEW v_customer_order AS
  SELECT c.id AS customer, c.full_name, o.id AS order_id, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id;
CREATE MATERIALIZED VIEW mv_customer AS SELECT id, full_name, phone FROM customers WHERE id <= 100;

CREATE FUNCTION customer_name(bigint) RETURNS text LANGUAGE sql STABLE AS 'SELECT full_name FROM public.customers WHERE id = $1';

-- Nobody's personal data.
CREATE TABLE products (id int PRIMARY KEY, title text, price numeric(10,2));
INSERT INTO products SELECT i, 'product ' || i, i * 3.5 FROM generate_series(1, 500) i;
CREATE TABLE scratch (id int, b bytea, t text);

-- Roles: staff of four employers; dba for what needs rights; carla comes by certificate only.
CREATE ROLE staff NOLOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO staff;
GRANT INSERT, UPDATE, DELETE, TRUNCATE ON tickets, scratch, customers TO staff;
GRANT CREATE, USAGE ON SCHEMA public TO staff;
GRANT TEMP ON DATABASE shop TO staff;
CREATE ROLE anna LOGIN PASSWORD 'anna-Secret-1' IN ROLE staff;
CREATE ROLE bo LOGIN PASSWORD 'bo-Secret-2' IN ROLE staff;
CREATE ROLE chen LOGIN PASSWORD 'chen-Secret-3' IN ROLE staff;
CREATE ROLE zhao LOGIN PASSWORD 'pässwörd-密码' IN ROLE staff;
CREATE ROLE carla LOGIN IN ROLE staff;
CREATE ROLE nopass LOGIN IN ROLE staff;
CREATE ROLE dba LOGIN SUPERUSER PASSWORD 'dba-Secret-4';

-- What the gate needs: a control role, and PgBouncer's shape of auth_query.
CREATE SCHEMA gatehouse;
CREATE ROLE gatehouse_control LOGIN PASSWORD 'control-Secret-5';
CREATE FUNCTION gatehouse.get_auth(name text) RETURNS TABLE (usename name, passwd text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin $$;
REVOKE ALL ON FUNCTION gatehouse.get_auth(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA gatehouse TO gatehouse_control;
GRANT EXECUTE ON FUNCTION gatehouse.get_auth(text) TO gatehouse_control;

CREATE EXTENSION hstore;
CREATE EXTENSION citext;
ANALYZE;
