-- section: 4.8 inference and timing
-- name: where equals
SELECT id FROM customers WHERE phone = '+1-605-0107';
-- name: where equals, by parameter
-- bind: +1-605-0107
SELECT id FROM customers WHERE phone = $1;
-- name: where like
SELECT count(*) FROM customers WHERE phone LIKE '+1-605%';
-- name: where regular expression
SELECT id FROM customers WHERE full_name ~* '^m' ORDER BY id;
-- name: where between
SELECT id FROM customers WHERE phone BETWEEN '+1-5' AND '+1-6' ORDER BY id;
-- name: where in
SELECT id FROM customers WHERE apple_id IN ('h1mary7@example.com', 'c5johnd@example.com') ORDER BY id;
-- name: where any of ten thousand guesses
SELECT id FROM customers WHERE phone = ANY (ARRAY(SELECT '+1-605-' || lpad(g::text, 4, '0') FROM generate_series(0, 9999) g)) ORDER BY id;
-- name: where any of a constant array
SELECT id FROM customers WHERE phone = ANY ('{+1-605-0107,+1-514-0342}') ORDER BY id;
-- name: where any of a parameter
-- bind: {+1-605-0107}
SELECT id FROM customers WHERE phone = ANY ($1::text[]);
-- name: where is null
SELECT id FROM customers WHERE address IS NULL ORDER BY id;
-- name: where is not distinct from
SELECT id FROM customers WHERE address IS NOT DISTINCT FROM '5 Bay';
-- name: where not equal
SELECT count(*) FROM customers WHERE full_name <> 'Mary Major';
-- name: where jsonb contains
SELECT id FROM customers c WHERE to_jsonb(c) @> '{"phone": "+1-605-0107"}';
-- name: where row as text
SELECT id FROM customers c WHERE c::text LIKE '%Mary%' ORDER BY id;
-- name: where length
SELECT id FROM customers WHERE length(full_name) = 10 ORDER BY id;
-- name: where text search
SELECT id FROM customers WHERE to_tsvector('simple', full_name) @@ 'mary'::tsquery ORDER BY id;
-- name: where similar to
SELECT id FROM customers WHERE phone SIMILAR TO '\+1-6(05|04)%' ORDER BY id;
-- name: where similarity
SELECT id FROM customers WHERE full_name % 'Mary Major' ORDER BY id;
-- name: where true by case
SELECT id FROM customers WHERE CASE WHEN phone LIKE '+1-605%' THEN true ELSE false END ORDER BY id;
-- name: where bool column made
SELECT id FROM (SELECT id, phone LIKE '+1-605%' AS b FROM customers) s WHERE b ORDER BY id;
-- name: where on a hidden serial
SELECT customer_id FROM devices WHERE serial < 'SN8' ORDER BY customer_id;
-- name: where on a call's number
SELECT id FROM calls WHERE number LIKE '+1-5%' ORDER BY id;
-- name: order by
SELECT id FROM customers ORDER BY phone, id;
-- name: order by desc nulls
SELECT id FROM customers ORDER BY address DESC NULLS LAST, id;
-- name: order by using
SELECT id FROM customers ORDER BY full_name USING >, id;
-- name: order by number
SELECT id, phone FROM customers ORDER BY 2, 1;
-- name: order by alias
SELECT id, full_name AS n FROM customers ORDER BY n, id;
-- name: order by an expression
SELECT id FROM customers ORDER BY length(full_name), id;
-- name: order by case
SELECT id FROM customers ORDER BY CASE WHEN phone LIKE '+1-605%' THEN 0 ELSE 1 END, id;
-- name: order by in a sub-select
SELECT id FROM (SELECT id FROM customers ORDER BY phone OFFSET 0) s;
-- name: order by with limit
SELECT id FROM customers ORDER BY phone LIMIT 1;
-- name: fetch first with ties
SELECT id FROM customers ORDER BY left(phone, 6) FETCH FIRST 3 ROWS WITH TIES;
-- name: order in an aggregate
SELECT array_agg(id ORDER BY phone) FROM customers;
-- name: order in within group
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY length(full_name)) FROM customers;
-- name: filter in an aggregate
SELECT count(*) FILTER (WHERE phone LIKE '+1-605%') FROM customers;
-- name: rank
SELECT id, rank() OVER (ORDER BY phone) FROM customers ORDER BY id;
-- name: ntile
SELECT id, ntile(10) OVER (ORDER BY full_name) FROM customers ORDER BY id;
-- name: row_number partitioned
SELECT id, row_number() OVER (PARTITION BY address ORDER BY id) FROM customers ORDER BY id;
-- name: named window
SELECT id, count(*) OVER w FROM customers WINDOW w AS (PARTITION BY full_name) ORDER BY id;
-- name: window frame offset
SELECT id, count(*) OVER (ORDER BY id ROWS (SELECT length(full_name) FROM customers WHERE id = 7) PRECEDING) FROM products p(name, price), generate_series(1, 12) id ORDER BY p.name, id LIMIT 12;
-- name: window range frame
SELECT id, count(*) OVER (ORDER BY length(full_name) RANGE 2 PRECEDING) FROM customers ORDER BY id;
-- name: group by
SELECT count(*) FROM customers GROUP BY full_name ORDER BY 1;
-- name: group by prefix
SELECT count(*) FROM customers GROUP BY left(phone, 6) ORDER BY 1;
-- name: group by the whole row
SELECT count(*) FROM (SELECT full_name, address FROM customers) s GROUP BY s ORDER BY 1;
-- name: group by number
SELECT address, count(*) FROM customers GROUP BY 1 ORDER BY 2;
-- name: grouping sets
SELECT province, count(*) FROM customers GROUP BY GROUPING SETS ((province), (full_name)) ORDER BY 1, 2;
-- name: rollup, cube
SELECT grouping(full_name), count(*) FROM customers GROUP BY CUBE (full_name, province) ORDER BY 1, 2;
-- name: group by another row's key
SELECT s.id, count(*) FROM (SELECT a.id, b.address FROM customers a JOIN customers b ON a.province = b.province) s GROUP BY s.id, s.address ORDER BY 1, 2;
-- name: group by another occurrence's key
SELECT a.id, b.full_name, count(*) FROM customers a JOIN customers b ON a.province = b.province AND b.id < 60 WHERE a.id < 9 GROUP BY a.id, b.full_name ORDER BY 1, 3;
-- name: group by a key of another table
SELECT o.id, c.full_name, count(*) FROM orders o JOIN customers c ON c.province = 'ON' WHERE o.id < 9 GROUP BY o.id, c.full_name ORDER BY 1, 3;
-- name: group by the key of an outer join's other side
SELECT a.id, count(*) FROM customers a LEFT JOIN customers b ON b.province = a.province GROUP BY a.id, b.address ORDER BY 1, 2;
-- name: group by a union's key
SELECT id, count(*) FROM (SELECT id, full_name FROM customers WHERE id < 9 UNION ALL SELECT 1, full_name FROM customers) s GROUP BY id, full_name ORDER BY 1, 2;
-- name: group by a key altered
SELECT id % 2, count(*) FROM customers GROUP BY id % 2, full_name ORDER BY 1, 2;
-- name: having
SELECT province FROM customers GROUP BY province HAVING max(phone) > '+1-605-19' ORDER BY 1;
-- name: having by guess
SELECT province FROM customers GROUP BY province HAVING bool_or(phone = '+1-605-0107');
-- name: distinct
SELECT count(*) FROM (SELECT DISTINCT full_name FROM customers) s;
-- name: distinct on
SELECT DISTINCT ON (left(phone, 6)) id FROM customers ORDER BY left(phone, 6), id;
-- name: distinct masked column
SELECT DISTINCT address FROM customers;
-- name: distinct whole
SELECT DISTINCT full_name, province FROM customers;
-- name: distinct with another row's key
SELECT DISTINCT a.id, b.full_name FROM customers a JOIN customers b ON a.province = b.province WHERE a.id < 4;
-- name: self-join on less
SELECT a.id, count(*) FROM customers a JOIN customers b ON b.phone < a.phone GROUP BY a.id ORDER BY 1;
-- name: self-join on equal
SELECT a.id, b.id FROM customers a JOIN customers b ON a.address = b.address AND a.id < b.id ORDER BY 1, 2;
-- name: join with guesses
SELECT g.n, c.id FROM (VALUES (1, '+1-605-0107'), (2, '+1-514-0342')) g(n, p) JOIN customers c ON c.phone = g.p ORDER BY 1, 2;
-- name: left join with guesses
SELECT g, c.id FROM generate_series(0, 60) g LEFT JOIN customers c ON length(c.full_name) = g ORDER BY 1, 2;
-- name: join condition hidden in a full join
SELECT count(*) FROM customers a FULL JOIN customers b USING (full_name) WHERE a.id IS NULL OR b.id = 7;
-- name: exists
SELECT EXISTS (SELECT 1 FROM customers WHERE phone = '+1-605-0107');
-- name: not exists
SELECT id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM customers d WHERE d.full_name = c.full_name AND d.id <> c.id) ORDER BY id;
-- name: in a sub-select
SELECT '+1-605-0107' IN (SELECT phone FROM customers);
-- name: not in a sub-select
SELECT id FROM orders WHERE item NOT IN (SELECT 'item ' || length(full_name) FROM customers WHERE id < 5) ORDER BY id LIMIT 30;
-- name: any of a sub-select
SELECT 'Mary Major' = ANY (SELECT full_name FROM customers), '+1-605-0107' = ANY (SELECT phone FROM customers), '+1-605-18' > ALL (SELECT phone FROM customers WHERE phone IS NOT NULL);
-- name: row in a sub-select
SELECT (7, '+1-605-0107') IN (SELECT id, phone FROM customers);
-- name: intersect with a guess
SELECT full_name FROM customers INTERSECT SELECT 'Mary Major' EXCEPT SELECT full_name FROM customers WHERE id <> 7;
-- name: intersect, except
SELECT count(*) FROM (SELECT phone FROM customers EXCEPT SELECT '+1-605-0107') s;
-- name: union removes what is equal
SELECT count(*) FROM (SELECT address FROM customers UNION SELECT address FROM customers) s;
-- name: limit of a sub-select
SELECT id FROM products p(name, price), generate_series(1, 100) id ORDER BY id, name LIMIT (SELECT ascii(full_name) FROM customers WHERE id = 7);
-- name: offset of a sub-select
SELECT id FROM orders ORDER BY id OFFSET (SELECT length(full_name) FROM customers WHERE id = 7) LIMIT 1;
-- name: tablesample argument
SELECT count(*) FROM orders TABLESAMPLE bernoulli ((SELECT right(phone, 2)::int + (phone LIKE '+1-605%')::int * 60 FROM customers WHERE id = 7)) REPEATABLE (1);
-- name: tablesample seed
SELECT sum(id) FROM orders TABLESAMPLE bernoulli (50) REPEATABLE ((SELECT length(full_name) FROM customers WHERE id = 7));
-- name: tablesample of rows by extension
SELECT count(*) FROM orders TABLESAMPLE system_rows ((SELECT length(full_name) FROM customers WHERE id = 7));
-- name: correlation
SELECT corr(id, length(full_name)), regr_slope(id, right(phone, 4)::int) FROM customers;
-- name: covariance with an open column
SELECT covar_pop(right(phone, 4)::int, id), stddev(length(address)) FROM customers;
-- name: count distinct of a prefix
SELECT count(DISTINCT left(phone, 10)) FROM customers;
-- name: similarity threshold
SELECT id FROM customers WHERE similarity(full_name, 'Mary Major') > 0.5 ORDER BY id;
-- name: levenshtein
SELECT id FROM customers WHERE levenshtein(phone, '+1-605-0107') < 4 ORDER BY id;
-- name: update count
UPDATE tickets SET note = note WHERE customer_id IN (SELECT id FROM customers WHERE phone LIKE '+1-605%');
-- name: delete count
DELETE FROM tickets WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = customer_id AND c.full_name LIKE 'M%');
-- name: generate_series of a number
SELECT count(*) FROM generate_series(1, (SELECT ascii(full_name) FROM customers WHERE id = 7));
-- name: case in the select list over open results
SELECT id, CASE WHEN phone LIKE '+1-605%' THEN 'a' ELSE 'b' END FROM customers ORDER BY id;
-- name: filter through the trusted view joined to the base
SELECT p.id FROM customers_public p JOIN customers c ON c.id = p.id AND c.phone LIKE '+1-605%' ORDER BY 1;
-- name: lateral limit
SELECT c.id, l.n FROM customers c, LATERAL (SELECT count(*) AS n FROM generate_series(1, length(c.full_name))) l ORDER BY 1;
-- name: nested sub-select in a test of another table
SELECT id FROM orders o WHERE (SELECT c.full_name FROM customers c WHERE c.id = o.customer_id) LIKE 'M%' ORDER BY id;
-- name: join to an open table on a piece
SELECT p.name, count(*) FROM products p JOIN customers c ON p.name = 'item ' || (length(c.full_name) % 12) GROUP BY 1 ORDER BY 1;
-- name: coalesce in a join
SELECT c.id FROM customers c JOIN products p ON coalesce(c.address, p.name) = p.name AND p.name = 'item 1' ORDER BY 1;
-- name: null test through an outer join
SELECT o.id, c.address IS NULL FROM orders o LEFT JOIN customers c ON c.id = o.customer_id ORDER BY 1 LIMIT 60;
-- name: array position
SELECT array_position(array_agg(phone::text ORDER BY id), '+1-605-0107') FROM customers;
-- name: recursion as a loop over the letters
WITH RECURSIVE g(n, s) AS (SELECT 0, '' UNION ALL SELECT n + 1, s || (SELECT substr(full_name, n + 1, 1) FROM customers WHERE id = 7) FROM g WHERE n < 10) SELECT max(s) FROM g;
-- name: with ties and offset over an open order but a protected test
SELECT id FROM customers WHERE phone > (SELECT phone FROM customers WHERE id = 42) ORDER BY id LIMIT 5;
-- name: sleeping on a bit
SELECT CASE WHEN phone LIKE '+1-605%' THEN pg_sleep(0.05) IS NULL ELSE true END FROM customers WHERE id = 7;
-- name: working on a bit, and saying so
SELECT CASE WHEN phone LIKE '+1-605%' THEN (SELECT count(*) FROM generate_series(1, 100000)) END FROM customers WHERE id = 7;
-- name: crypt on a bit
SELECT CASE WHEN full_name LIKE 'M%' THEN crypt('x', '$2a$04$abcdefghijklmnopqrstuu') END FROM customers WHERE id = 7;
-- name: look-up where none is allowed
SELECT id, province FROM customers WHERE apple_id = 'h1mary7@example.com' LIMIT 1;
-- name: look-up with or
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-0107' OR phone = '+1-514-0342' ORDER BY id;
-- name: look-up on two columns
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-0107' AND apple_id = 'h1mary7@example.com';
-- name: look-up twice in one statement
-- as: sam
SELECT (SELECT id FROM customers WHERE phone = '+1-605-0107'), (SELECT id FROM customers WHERE phone = '+1-514-0342');
-- name: look-up in arms of a union
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-0107' UNION ALL SELECT id FROM customers WHERE phone = '+1-514-0342';
-- name: look-up in a sub-select
-- as: sam
SELECT o.id FROM orders o WHERE o.customer_id IN (SELECT id FROM customers WHERE phone = '+1-605-0107') ORDER BY 1;
-- name: look-up negated
-- as: sam
SELECT count(*) FROM customers WHERE NOT (phone = '+1-605-0107');
-- name: look-up with a pattern
-- as: sam
SELECT id FROM customers WHERE phone LIKE '+1-605-0107%';
-- name: look-up with less
-- as: sam
SELECT id FROM customers WHERE phone < '+1-5' ORDER BY id;
-- name: look-up with a list
-- as: sam
SELECT id FROM customers WHERE phone IN ('+1-605-0107', '+1-514-0342') ORDER BY id;
-- name: look-up with a column on the other side
-- as: sam
SELECT c.id FROM customers c, (VALUES ('+1-605-0107'), ('+1-514-0342')) v(p) WHERE c.phone = v.p ORDER BY 1;
-- name: look-up with an expression over the column
-- as: sam
SELECT id FROM customers WHERE right(phone, 4) = '0107' ORDER BY id;
-- name: look-up with a case-folding type
-- as: sam
SELECT id FROM customers WHERE apple_id::citext = 'H1MARY7@example.com';
-- name: look-up with a sub-select as the value
-- as: sam
SELECT id FROM customers WHERE phone = (SELECT '+1-605-' || lpad('107', 4, '0'));
-- name: look-up with a volatile value
-- as: sam
-- direct: random
SELECT count(*) >= 0 FROM customers WHERE phone = '+1-605-' || lpad((random() * 9999)::int::text, 4, '0');
-- name: look-up with a value made of open columns
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-01' || lpad((id % 100)::text, 2, '0') ORDER BY id;
-- name: look-up in having
-- as: sam
SELECT id FROM customers GROUP BY id HAVING phone = '+1-605-0107';
-- name: look-up in a case
-- as: sam
SELECT CASE WHEN phone = '+1-605-0107' THEN 1 END FROM customers WHERE id = 7;
-- name: look-up by a column without it
-- as: sam
SELECT id FROM customers WHERE full_name = 'Mary Major' ORDER BY id;
-- name: look-up in an outer join's condition
-- as: sam
SELECT o.id, c.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.phone = '+1-605-0107' WHERE o.id < 20 ORDER BY 1;
-- name: look-up in an update
-- as: sam
UPDATE tickets SET note = 'x' FROM customers c WHERE c.id = tickets.customer_id AND c.phone = '+1-605-0107' AND c.apple_id = 'h1mary7@example.com';
-- name: look-up and more shown than it gives
-- as: sam
SELECT id, phone || '' FROM customers WHERE phone = '+1-605-0107';
-- name: look-up with an order by the hidden
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-0107' ORDER BY full_name;
-- name: look-up by array parameter
-- as: sam
-- bind: {+1-605-0107;+1-514-0342}
SELECT id FROM customers WHERE phone = ANY (string_to_array(btrim($1, '{}'), ';')) ORDER BY id;
-- name: look-up by a short value
-- as: sam
-- direct: nobody's phone is that; a look-up of part of a value finds nothing anyway
SELECT id FROM customers WHERE phone = '+1-605';
-- name: look-up in the trusted view's base
-- as: sam
SELECT v.id FROM contact_card v WHERE v.contact = '+1-605-0107' AND v.name LIKE 'M%';
-- name: look-up quantified
-- as: sam
SELECT id FROM customers WHERE phone = SOME (VALUES ('+1-605-0107'), ('+1-514-0342')) ORDER BY id;
