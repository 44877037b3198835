-- The database of the decision's tests. No rows: only what the server makes of statements matters. Run as superuser in a fresh database.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN short_text AS text CHECK (length(value) < 100);
CREATE FUNCTION region_default() RETURNS text LANGUAGE sql AS $$ SELECT 'north'::text $$;
CREATE TABLE customers (
  id bigint PRIMARY KEY, full_name text, phone varchar(32), apple_id text, address text, birthday date, nick text,
  province text, created_at timestamptz DEFAULT now(), unclassified text
);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, item text, amount numeric(10,2), ordered_at timestamptz, delivery text);
CREATE TABLE devices (serial text PRIMARY KEY, customer_id bigint REFERENCES customers, model text);
CREATE TABLE tickets (
  id serial PRIMARY KEY, customer_id bigint REFERENCES customers, note text, state text DEFAULT 'open', opened_at timestamptz DEFAULT now(),
  region text DEFAULT region_default(), number bigint GENERATED ALWAYS AS IDENTITY, inner_note text, length int GENERATED ALWAYS AS (1) STORED
);
CREATE TABLE products (name text PRIMARY KEY, price numeric, cost int, feeling mood, tags text[], spec jsonb, parent text, small short_text);
CREATE TABLE accounts (id bigint PRIMARY KEY, customer_id bigint, team text, balance int);
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_team ON accounts USING (team = current_setting('gatehouse.team', true));
CREATE TABLE ledgers (id bigint PRIMARY KEY, team text, amount numeric);
CREATE VIEW ledgers_mine WITH (security_barrier) AS SELECT id, team, amount FROM ledgers WHERE team = current_setting('gatehouse.team', true);
CREATE VIEW ledgers_plain AS SELECT id, team, amount FROM ledgers WHERE team = current_setting('gatehouse.team', true);
CREATE TABLE cards (id bigint PRIMARY KEY, code citext, holder text, ident uuid, rank int);
CREATE TABLE staff (id int PRIMARY KEY, login text);
CREATE TABLE calls (id bigint, customer_id bigint, number text, called_on date NOT NULL) PARTITION BY RANGE (called_on);
CREATE TABLE calls_2024 PARTITION OF calls FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE sequenced (id serial PRIMARY KEY, note text);
CREATE TABLE ruled (id int, note text);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO staff VALUES (1, 'x');
CREATE RULE instead AS ON DELETE TO ruled DO INSTEAD NOTHING;
CREATE RULE other AS ON UPDATE TO ruled DO INSTEAD UPDATE tickets SET note = new.note;
CREATE VIEW contact_card AS SELECT id, phone AS contact FROM customers;
CREATE VIEW in_bc AS SELECT id, province, phone FROM customers WHERE province = 'BC';
CREATE VIEW has_phone AS SELECT id, province FROM customers WHERE phone LIKE '+86%';
CREATE VIEW of_view AS SELECT id, contact FROM contact_card;
CREATE VIEW areas AS SELECT id, province, left(phone, 3) AS area, phone AS full_phone FROM customers;                -- trusted, not in the policy
CREATE VIEW customers_public AS SELECT id, province, left(phone, 3) AS area, apple_id FROM customers WHERE apple_id IS NOT NULL; -- trusted, and named
CREATE VIEW customers_view AS SELECT id, province, created_at, phone FROM customers;                                -- named, not trusted
CREATE VIEW customers_regions AS SELECT id, lower(province) AS region, phone, upper(province) AS later FROM customers; -- named, not trusted
CREATE VIEW staff_view AS SELECT id, login FROM staff;                                                              -- trusted, over what is in no rule
CREATE VIEW tickets_open AS SELECT id, customer_id, note, state FROM tickets WHERE state = 'open';
CREATE MATERIALIZED VIEW totals AS SELECT province, count(*) AS n FROM customers GROUP BY province;
CREATE FUNCTION find_customers(p text) RETURNS SETOF customers LANGUAGE sql AS $$ SELECT * FROM customers WHERE province = p $$;
CREATE FUNCTION customer_contact(i bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT phone FROM customers WHERE id = i $$;
CREATE FUNCTION region_of(p text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(p) $$;
CREATE FUNCTION same(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 = $2 $$;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = same);
CREATE AGGREGATE collect(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
-- One column of a table was dropped, one was added after the policy was written (it is in no rule either).
ALTER TABLE products ADD COLUMN gone int;
ALTER TABLE products DROP COLUMN gone;
CREATE VIEW ledgers_trusted AS SELECT id, amount FROM ledgers;                                                     -- trusted and named
CREATE VIEW ledgers_kept AS SELECT id, amount FROM ledgers WHERE team = current_setting('gatehouse.team', true);   -- trusted and named
CREATE VIEW customer_counts AS SELECT province, count(*) AS n, max(created_at) AS newest FROM customers GROUP BY province; -- trusted, not in the policy
