-- Statements in the shapes that object-relational mappers make.
-- section: orm
-- name: django list with alias and limit
-- masks: full_name fixed (name), phone last 2
SELECT "customers"."id", "customers"."full_name", "customers"."phone", "customers"."province" FROM "customers" WHERE "customers"."province" = 'ON' ORDER BY "customers"."id" ASC LIMIT 21;
-- name: django get
-- masks: full_name fixed (name), phone last 2, apple_id first 1, address hide
-- bind: 7
SELECT "customers"."id", "customers"."full_name", "customers"."phone", "customers"."apple_id", "customers"."address", "customers"."province", "customers"."created_at" FROM "customers" WHERE "customers"."id" = $1::bigint LIMIT 21;
-- name: django count
SELECT COUNT(*) AS "__count" FROM "customers" WHERE "customers"."province" IN ('ON', 'BC');
-- name: django exists
SELECT 1 AS "a" FROM "tickets" WHERE "tickets"."customer_id" = 7 LIMIT 1;
-- name: django select_related
-- masks: full_name fixed (name)
SELECT "orders"."id", "orders"."item", "orders"."amount", "customers"."id", "customers"."full_name" FROM "orders" INNER JOIN "customers" ON ("orders"."customer_id" = "customers"."id") WHERE "orders"."amount" > 100.00 ORDER BY "orders"."id" DESC LIMIT 20;
-- name: django annotate
SELECT "orders"."customer_id", COUNT("orders"."id") AS "n", SUM("orders"."amount") AS "total" FROM "orders" GROUP BY "orders"."customer_id" HAVING COUNT("orders"."id") > 1 ORDER BY "n" DESC, "orders"."customer_id" LIMIT 10;
-- name: django annotate over the key's own row
-- masks: full_name fixed (name)
SELECT "customers"."id", "customers"."full_name", COUNT("orders"."id") AS "n" FROM "customers" LEFT OUTER JOIN "orders" ON ("customers"."id" = "orders"."customer_id") GROUP BY "customers"."id", "customers"."full_name" ORDER BY "customers"."id" LIMIT 9;
-- name: django dates
SELECT DISTINCT DATE_TRUNC('month', "orders"."ordered_at" AT TIME ZONE 'UTC') AS "datefield" FROM "orders" ORDER BY "datefield" ASC;
-- name: django bulk by keys
-- masks: phone last 2
SELECT "customers"."id", "customers"."phone" FROM "customers" WHERE "customers"."id" IN (1, 2, 3, 25) ORDER BY 1;
-- name: sqlalchemy select with labels
-- masks: customers_phone last 2, customers_full_name fixed (name)
SELECT customers.id AS customers_id, customers.full_name AS customers_full_name, customers.phone AS customers_phone
FROM customers
WHERE customers.id = 7;
-- name: sqlalchemy joined eager load
-- masks: anon_1_full_name fixed (name)
SELECT anon_1.id AS anon_1_id, anon_1.full_name AS anon_1_full_name, orders_1.id AS orders_1_id, orders_1.item AS orders_1_item
FROM (SELECT customers.id AS id, customers.full_name AS full_name FROM customers ORDER BY customers.id LIMIT 5) AS anon_1 LEFT OUTER JOIN orders AS orders_1 ON anon_1.id = orders_1.customer_id ORDER BY anon_1.id, orders_1.id;
-- name: sqlalchemy selectin load
-- bind: 1, 2
SELECT orders.customer_id AS orders_customer_id, orders.id AS orders_id, orders.amount AS orders_amount FROM orders WHERE orders.customer_id IN ($1, $2) ORDER BY 2;
-- name: sqlalchemy exists and correlated
SELECT customers.id, customers.province FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE customers.id = orders.customer_id AND orders.amount > 120) ORDER BY customers.id;
-- name: sqlalchemy case
SELECT orders.id, CASE WHEN (orders.amount > 50) THEN 'big' WHEN (orders.amount > 10) THEN 'middle' ELSE 'small' END AS size FROM orders ORDER BY orders.id LIMIT 20;
-- name: sqlalchemy cte
WITH totals AS (SELECT orders.customer_id AS customer_id, sum(orders.amount) AS total FROM orders GROUP BY orders.customer_id) SELECT customers.id, customers.province, totals.total FROM customers JOIN totals ON totals.customer_id = customers.id ORDER BY totals.total DESC, customers.id LIMIT 10;
-- name: sqlalchemy start-up
select pg_catalog.version();
select current_schema();
show standard_conforming_strings;
-- name: sqlalchemy has_table
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 'orders' AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog';
-- name: sqlalchemy columns of a table
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT, a.attnotnull, a.attgenerated, pg_catalog.col_description(a.attrelid, a.attnum) AS comment FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'tickets'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
-- name: hibernate aliases
-- masks: full_name2_0_0_ fixed (name), phone3_0_0_ last 2
select customer0_.id as id1_0_0_, customer0_.full_name as full_name2_0_0_, customer0_.phone as phone3_0_0_ from customers customer0_ where customer0_.id=7;
-- name: hibernate join fetch
-- masks: full_nam2_0_1_ fixed (name)
select ticket0_.id as id1_1_0_, customer1_.id as id1_0_1_, ticket0_.note as note2_1_0_, customer1_.full_name as full_nam2_0_1_ from tickets ticket0_ inner join customers customer1_ on ticket0_.customer_id=customer1_.id where ticket0_.state='open' order by ticket0_.id limit 10;
-- name: hibernate count distinct
select count(distinct order0_.customer_id) as col_0_0_ from orders order0_ where order0_.item like 'item 1%';
-- name: hibernate insert
-- bind: 7, called back
insert into tickets (customer_id, note) values ($1::bigint, $2);
-- name: hibernate update and delete
update tickets set note='checked', state='closed' where id=3;
delete from tickets where id=4;
-- name: activerecord find
-- masks: full_name fixed (name), phone last 2, apple_id first 1, address hide
SELECT "customers".* FROM "customers" WHERE "customers"."id" = 7 LIMIT 1;
-- name: activerecord pluck and where
SELECT "tickets"."id" FROM "tickets" WHERE "tickets"."state" = 'open' AND "tickets"."customer_id" BETWEEN 1 AND 20 ORDER BY "tickets"."id" ASC;
-- name: activerecord group count
SELECT COUNT(*) AS count_all, "tickets"."state" AS tickets_state FROM "tickets" GROUP BY "tickets"."state";
-- name: activerecord insert returning
INSERT INTO "tickets" ("customer_id", "note", "state") VALUES (9, 'new', 'open') RETURNING "id";
-- name: activerecord update
UPDATE "tickets" SET "note" = 'again' WHERE "tickets"."id" = 5;
-- name: activerecord set at start
SET client_min_messages TO 'warning';
SET standard_conforming_strings = on;
SET SESSION timezone TO 'UTC';
-- name: activerecord columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation WHERE a.attrelid = '"orders"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
-- name: prisma select by unique
-- masks: phone last 2
SELECT "public"."customers"."id", "public"."customers"."phone" FROM "public"."customers" WHERE ("public"."customers"."id" = 7 AND 1=1) LIMIT 1 OFFSET 0;
-- name: typeorm query builder
-- masks: c_full_name fixed (name)
SELECT "c"."id" AS "c_id", "c"."full_name" AS "c_full_name", "c"."created_at" AS "c_created_at" FROM "customers" "c" WHERE "c"."created_at" >= '2024-01-03' AND "c"."created_at" < '2024-01-05' ORDER BY "c"."id" ASC;
-- name: sequelize findAndCountAll
SELECT count(*) AS "count" FROM "tickets" AS "Ticket" WHERE "Ticket"."state" = 'open';
SELECT "id", "note", "state" FROM "tickets" AS "Ticket" WHERE "Ticket"."state" = 'open' ORDER BY "Ticket"."id" LIMIT 10 OFFSET 10;
-- name: laravel pagination
-- masks: phone last 2
select id, phone, province from "customers" where "province" = 'QC' order by "id" asc limit 15 offset 15;
-- name: jooq row values
select "public"."orders"."id", "public"."orders"."item" from "public"."orders" where ("public"."orders"."customer_id", "public"."orders"."id") in ((1, 200), (2, 1)) order by 1;
-- name: ecto preload
-- bind: {1,2,3}
SELECT t0."id", t0."customer_id", t0."note", t0."customer_id" FROM "tickets" AS t0 WHERE (t0."customer_id" = ANY($1::bigint[])) ORDER BY t0."customer_id", t0.id;
-- name: soft upsert on tickets
INSERT INTO tickets (id, customer_id, note) VALUES (5, 5, 'x') ON CONFLICT (id) DO NOTHING;
-- name: insert many
INSERT INTO tickets (customer_id, note) VALUES (1, 'a'), (2, 'b'), (3, NULL) RETURNING customer_id, note;
-- name: update from a constant list
UPDATE tickets SET note = v.n FROM (VALUES (1, 'one'), (2, 'two')) AS v(i, n) WHERE tickets.id = v.i RETURNING tickets.id, tickets.note;
-- name: look-up by phone
-- as: sam
-- masks: full_name fixed (name), phone last 2
SELECT id, full_name, phone, province FROM customers WHERE phone = '+1-605-0107';
-- name: look-up by parameter
-- as: sam
-- masks: full_name fixed (name)
-- bind: h1mary7@example.com
SELECT id, full_name FROM customers WHERE apple_id = $1;
-- name: look-up that finds nobody
-- as: sam
SELECT id, province FROM customers WHERE phone = '+1-000-0000';
-- name: look-up with an open test beside it
-- as: sam
SELECT id, province FROM customers WHERE phone = '+1-605-0107' AND created_at > '2020-01-01';
