-- Statements in the shapes of reporting tools: aggregates over open columns, pieces of time, windows.
-- section: bi
-- name: metabase count by province
SELECT "public"."customers"."province" AS "province", COUNT(*) AS "count" FROM "public"."customers" GROUP BY "public"."customers"."province" ORDER BY "public"."customers"."province" ASC;
-- name: metabase orders by month
SELECT CAST(DATE_TRUNC('month', "source"."ordered_at") AS timestamp) AS "ordered_at", SUM("source"."amount") AS "sum" FROM (SELECT "public"."orders"."ordered_at" AS "ordered_at", "public"."orders"."amount" AS "amount" FROM "public"."orders" WHERE "public"."orders"."amount" > 10) AS "source" GROUP BY CAST(DATE_TRUNC('month', "source"."ordered_at") AS timestamp) ORDER BY 1 ASC;
-- name: metabase joined filter
SELECT "Customers"."province" AS "p", AVG("public"."orders"."amount") AS "avg" FROM "public"."orders" LEFT JOIN "public"."customers" AS "Customers" ON "public"."orders"."customer_id" = "Customers"."id" WHERE "Customers"."province" = 'BC' GROUP BY "Customers"."province";
-- name: metabase raw table
-- masks: full_name fixed (name), phone last 2, apple_id first 1, address hide
SELECT "public"."customers"."id" AS "id", "public"."customers"."full_name" AS "full_name", "public"."customers"."phone" AS "phone", "public"."customers"."apple_id" AS "apple_id", "public"."customers"."address" AS "address", "public"."customers"."province" AS "province", "public"."customers"."created_at" AS "created_at" FROM "public"."customers" LIMIT 100;
-- name: metabase field values
SELECT "public"."customers"."province" AS "province" FROM "public"."customers" GROUP BY "public"."customers"."province" ORDER BY "public"."customers"."province" ASC LIMIT 1000;
-- name: tableau sum
SELECT "orders"."item" AS "item", SUM("orders"."amount") AS "sum:amount:ok", MIN("orders"."amount") AS "min", MAX("orders"."amount") AS "max" FROM "public"."orders" "orders" GROUP BY 1 ORDER BY 1;
-- name: tableau having non-empty
SELECT COUNT(1) AS "n", CAST(TRUNC(EXTRACT(YEAR FROM "orders"."ordered_at")) AS INTEGER) AS "yr" FROM "public"."orders" "orders" GROUP BY 2 HAVING (COUNT(1) > 0);
-- name: tableau connect probe
SELECT 1;
-- name: grafana time series
SELECT floor(extract(epoch from ordered_at) / 86400) * 86400 AS "time", count(*) AS n, sum(amount) AS amount FROM orders WHERE ordered_at BETWEEN '2024-06-02T00:00:00Z' AND '2024-06-20T00:00:00Z' GROUP BY 1 ORDER BY 1;
-- name: grafana variable
SELECT DISTINCT item FROM orders ORDER BY item;
-- name: superset top n
SELECT item AS item, sum(amount) AS "SUM(amount)" FROM public.orders GROUP BY item ORDER BY "SUM(amount)" DESC, item LIMIT 50;
-- name: looker pivot
SELECT item, province, n FROM (SELECT o.item, c.province, count(*) AS n, row_number() OVER (PARTITION BY o.item ORDER BY count(*) DESC, c.province) AS r FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY o.item, c.province) s WHERE r <= 2 ORDER BY item, r;
-- name: rollup
SELECT province, date_part('year', created_at) AS y, count(*) FROM customers GROUP BY ROLLUP (province, date_part('year', created_at)) ORDER BY 1 NULLS LAST, 2 NULLS LAST;
-- name: grouping sets
SELECT grouping(item) AS g, item, count(*) FROM orders GROUP BY GROUPING SETS ((item), ()) ORDER BY 1, 2;
-- name: cube with filter
SELECT item, count(*) FILTER (WHERE amount > 50) AS big, count(*) FILTER (WHERE amount <= 50) AS small FROM orders GROUP BY CUBE (item) ORDER BY 1 NULLS LAST;
-- name: window running total
SELECT id, amount, sum(amount) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running FROM orders ORDER BY id LIMIT 20;
-- name: window lag and lead
SELECT id, lag(amount, 1, 0.0) OVER w AS before, lead(amount) OVER w AS after FROM orders WINDOW w AS (PARTITION BY item ORDER BY id) ORDER BY id LIMIT 20;
-- name: window ntile, rank, dense_rank
SELECT id, ntile(4) OVER (ORDER BY amount, id), rank() OVER (ORDER BY amount), dense_rank() OVER (ORDER BY amount), percent_rank() OVER (ORDER BY amount) FROM orders ORDER BY id LIMIT 20;
-- name: percentiles
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) AS median, percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY amount), mode() WITHIN GROUP (ORDER BY item) FROM orders;
-- name: statistics aggregates
SELECT stddev_pop(amount), var_samp(amount), corr(id, amount), regr_slope(amount, id) FROM orders;
-- name: string_agg of open
SELECT province, string_agg(id::text, ',' ORDER BY id) FROM customers WHERE id < 30 GROUP BY province ORDER BY province;
-- name: array_agg and unnest
SELECT u, count(*) FROM products, unnest(tags) u GROUP BY u ORDER BY u;
-- name: json of open columns
SELECT json_build_object('item', item, 'n', count(*)), jsonb_agg(id ORDER BY id) FROM orders WHERE id < 30 GROUP BY item ORDER BY item;
-- name: json operators
SELECT name, spec -> 'size', spec ->> 'size', spec #>> '{parts,0}', jsonb_array_length(spec -> 'parts') FROM products WHERE spec @> '{"size": 3}' OR spec ? 'none' ORDER BY name;
-- name: jsonb_path_query
SELECT name, jsonb_path_query(spec, '$.parts[*]') FROM products ORDER BY 1, 2;
-- name: time buckets with generate_series
SELECT d::date, count(o.id) FROM generate_series(timestamptz '2024-06-01 00:00Z', timestamptz '2024-06-10 00:00Z', interval '1 day') d LEFT JOIN orders o ON o.ordered_at >= d AND o.ordered_at < d + interval '1 day' GROUP BY 1 ORDER BY 1;
-- name: date_bin and extract
SELECT date_bin('6 hours', ordered_at, timestamptz '2024-01-01 00:00Z'), extract(dow FROM ordered_at), to_char(ordered_at, 'YYYY-MM-DD HH24:MI') FROM orders ORDER BY id LIMIT 10;
-- name: age and intervals
SELECT id, age(timestamptz '2025-01-01 00:00Z', created_at), justify_hours(interval '50 hours') FROM customers ORDER BY id LIMIT 5;
-- name: regexp and text functions of open columns
SELECT id, upper(item), regexp_replace(item, '\d+', '#'), split_part(item, ' ', 2)::int, lpad(item, 10, '.'), item ~ '^item 1' FROM orders ORDER BY id LIMIT 10;
-- name: numbers
SELECT id, round(amount, 1), trunc(amount), amount % 7, power(amount, 2)::numeric(20,2), width_bucket(amount, 0, 125, 5) FROM orders ORDER BY id LIMIT 10;
-- name: recursive series
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n), array_agg(n) FROM t;
-- name: recursive with search and cycle
WITH RECURSIVE t(a, b) AS (VALUES (1, 2), (2, 3), (3, 1)), r(a, b) AS (SELECT a, b FROM t WHERE a = 1 UNION ALL SELECT t.a, t.b FROM t JOIN r ON t.a = r.b) SEARCH DEPTH FIRST BY a SET ord CYCLE a SET hit USING path SELECT a, b, hit FROM r ORDER BY ord;
-- name: lateral top one
SELECT c.id, l.item FROM customers c CROSS JOIN LATERAL (SELECT o.item FROM orders o WHERE o.customer_id = c.id ORDER BY o.amount DESC, o.id LIMIT 1) l WHERE c.id < 10 ORDER BY c.id;
-- name: set operations of open columns
SELECT customer_id FROM orders WHERE amount > 100 INTERSECT SELECT customer_id FROM tickets EXCEPT SELECT 7 ORDER BY 1;
-- name: union all of open columns
SELECT 'order' AS kind, id::text FROM orders WHERE id < 4 UNION ALL SELECT 'ticket', id::text FROM tickets WHERE id < 4 ORDER BY 1, 2;
-- name: values
VALUES (1, 'a'), (2, 'b');
-- name: distinct on open columns
SELECT DISTINCT ON (customer_id) customer_id, id, amount FROM orders WHERE customer_id < 10 ORDER BY customer_id, id;
-- name: tablesample of an open table
SELECT count(*) FROM products TABLESAMPLE bernoulli (50) REPEATABLE (7);
-- name: exists, in, any of open columns
SELECT id FROM customers c WHERE EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = c.id) AND id IN (SELECT customer_id FROM orders WHERE amount > 60) AND province = ANY (ARRAY['ON', 'QC']) ORDER BY id;
-- name: trusted view
SELECT id, phone_masked, province FROM customers_public ORDER BY id LIMIT 10;
-- name: trusted view computed with
SELECT phone_masked, count(*) FROM customers_public WHERE phone_masked LIKE '%7' GROUP BY 1 ORDER BY 1;
-- name: trusted function
SELECT id, customer_province(customer_id) FROM tickets ORDER BY id LIMIT 10;
-- name: view over masked columns
-- masks: name fixed (name), contact last 2, mail first 1
SELECT id, name, contact, mail, province FROM contact_card WHERE province = 'AB' ORDER BY id LIMIT 10;
-- name: view over open columns
SELECT province, sum(amount) FROM order_list GROUP BY province ORDER BY province;
-- name: masked columns through a sub-select and a cte
-- masks: p last 2
WITH w AS (SELECT id, phone AS p FROM customers) SELECT s.id, s.p FROM (SELECT * FROM w WHERE id < 12) s ORDER BY s.id;
-- name: masked columns of a join
-- masks: serial fixed (serial), phone last 2
SELECT c.id, c.phone, d.serial, d.model, d.customer_id FROM customers c JOIN devices d ON d.customer_id = c.id WHERE c.id < 9 ORDER BY c.id, d.model;
-- name: masked columns without the key in the list
-- masks: phone last 2, full_name fixed (name)
SELECT phone, full_name FROM customers WHERE id < 9 ORDER BY id;
-- name: masked columns of an outer join
-- masks: full_name fixed (name)
SELECT t.id, c.id AS customer, c.full_name FROM tickets t LEFT JOIN customers c ON c.id = t.customer_id AND c.province = 'ON' ORDER BY t.id;
-- name: partitioned table
-- masks: number last 2
SELECT id, customer_id, number, called_on FROM calls WHERE called_on BETWEEN '2024-12-01' AND '2025-02-01' ORDER BY id;
-- name: table command
TABLE products;
-- name: explain of open columns
-- loose: costs
EXPLAIN SELECT item, sum(amount) FROM orders WHERE customer_id = 7 GROUP BY item;
-- name: explain in json
-- loose: costs
EXPLAIN (FORMAT json) SELECT count(*) FROM orders WHERE amount > 10;
-- name: coalesce, nullif, greatest over open columns
SELECT id, coalesce(note, '-'), nullif(state, 'open'), greatest(id, customer_id) FROM tickets ORDER BY id LIMIT 10;
-- name: arrays
SELECT name, tags[1], array_length(tags, 1), 'all' = ANY (tags), tags || ARRAY['x'], tags @> ARRAY['t1'] FROM products ORDER BY name;
-- name: ranges and series
SELECT int4range(1, 10) @> id::int, generate_series(1, 2) FROM tickets WHERE id < 4 ORDER BY id;
-- name: text search over open text
SELECT id FROM tickets WHERE to_tsvector('simple', note) @@ plainto_tsquery('simple', 'ticket 7') ORDER BY id;
-- name: row comparison for pages by key
SELECT id, amount FROM orders WHERE (amount, id) > (50.00, 100) ORDER BY amount, id LIMIT 10;
-- name: comments of tools
/* app=report, user 7 */ SELECT /* inline */ count(*) -- the end
FROM orders;
-- name: Chinese in constants and aliases
SELECT '客户' AS "类型", count(*) AS "数量" FROM customers WHERE province <> '浙江';
