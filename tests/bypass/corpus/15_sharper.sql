-- Written against rules that allow something: grouping with a key, EXISTS, look-ups, masked columns that are only carried along.
-- section: 4.8 inference and timing
-- name: grouping sets beside the key
SELECT count(*) FROM customers GROUP BY GROUPING SETS ((id, full_name), (full_name)) ORDER BY 1;
-- name: rollup with the key behind
SELECT count(*), grouping(id) FROM customers GROUP BY ROLLUP (full_name, id) ORDER BY 1, 2;
-- name: cube with the key
SELECT count(*) FROM customers GROUP BY CUBE (id, address) ORDER BY 1;
-- name: window over what was grouped with its key
SELECT id, count(*) OVER (PARTITION BY full_name) FROM customers GROUP BY id, full_name ORDER BY 1;
-- name: order by what was grouped with its key
SELECT id FROM customers GROUP BY id, full_name ORDER BY full_name, id;
-- name: having over what was grouped by its key alone
SELECT id FROM customers GROUP BY id HAVING full_name LIKE 'M%' ORDER BY id;
-- name: expression over what was grouped by its key alone
SELECT id, upper(full_name) FROM customers GROUP BY id ORDER BY id LIMIT 9;
-- name: group by another table's key through an outer join
SELECT p.name, count(*) FROM products p LEFT JOIN customers c ON c.province = 'ON' GROUP BY p.name, c.full_name ORDER BY 1, 2;
-- name: group by a key out of a sub-select with a limit by a protected order
SELECT s.id FROM (SELECT id, full_name FROM customers ORDER BY phone LIMIT 5) s GROUP BY s.id, s.full_name ORDER BY 1;
-- name: group by the merged key of a full join
SELECT count(*) FROM customers a FULL JOIN customers b ON a.id = b.id + 190 GROUP BY a.id, b.full_name ORDER BY 1;
-- name: group by a key of a recursive term
WITH RECURSIVE t(id, n) AS (SELECT 1::bigint, full_name FROM customers UNION ALL SELECT id, n FROM t WHERE false) SELECT id, count(*) FROM t GROUP BY id, n ORDER BY 2;
-- name: distinct with a key that is none
SELECT DISTINCT id % 3, full_name FROM customers;
-- name: distinct on open, order by protected
SELECT DISTINCT ON (province) province, id FROM customers ORDER BY province, phone;
-- name: distinct in a sub-select that is only counted
SELECT count(*) FROM (SELECT DISTINCT address, province FROM customers) s;
-- name: union in a recursion removes what is equal
WITH RECURSIVE t(n) AS (SELECT full_name FROM customers UNION SELECT n FROM t) SELECT count(*) FROM t;
-- name: union with keys that are constants
SELECT count(*) FROM (SELECT 1 AS id, full_name FROM customers UNION SELECT 1, 'Mary Major') s;
-- name: intersect of keyed arms with different columns
SELECT id FROM (SELECT id, full_name FROM customers INTERSECT SELECT id, CASE WHEN id = 7 THEN 'Mary Major' END FROM customers) s;
-- name: except all
SELECT count(*) FROM (SELECT full_name FROM customers WHERE id < 60 EXCEPT ALL SELECT full_name FROM customers WHERE id > 120) s;
-- name: exists over a set-returning select list
SELECT EXISTS (SELECT unnest(string_to_array(full_name, NULL)) FROM customers WHERE id = 7 OFFSET 10);
-- name: exists over a series
SELECT EXISTS (SELECT generate_series(1, length(full_name)) FROM customers WHERE id = 7 OFFSET 10);
-- name: exists over distinct values
SELECT EXISTS (SELECT DISTINCT phone FROM customers WHERE phone LIKE '+1-605%' OFFSET 40), EXISTS (SELECT DISTINCT address FROM customers OFFSET 123);
-- name: exists over groups
SELECT n, EXISTS (SELECT 1 FROM customers GROUP BY address OFFSET n) FROM generate_series(100, 150) n;
-- name: exists over having
SELECT EXISTS (SELECT 1 FROM customers HAVING bool_or(phone = '+1-605-0107'));
-- name: exists over an aggregate's error
SELECT EXISTS (SELECT 1 / (length(full_name) - 10) FROM customers WHERE id = 7 OFFSET 0), 1 / (SELECT count(*) FROM (SELECT 1 FROM customers WHERE full_name = 'Mary Major' AND id = 7) s);
-- name: unused column that multiplies rows
SELECT count(*) FROM (SELECT id, unnest(string_to_array(full_name, NULL)) FROM customers WHERE id = 7) s;
-- name: unused column that fails
SELECT count(*) FROM (SELECT id, 1 / (length(full_name) - 10) AS x FROM customers WHERE id = 7 OFFSET 0) s WHERE x IS NULL OR x IS NOT NULL;
-- name: unused cte that multiplies rows
WITH w AS MATERIALIZED (SELECT id, generate_series(1, ascii(full_name)) FROM customers WHERE id = 7) SELECT count(id) FROM w;
-- name: unused lateral
SELECT count(*) FROM customers c, LATERAL (SELECT 1 FROM generate_series(1, length(c.full_name))) l WHERE c.id = 7;
-- name: unused left lateral with a test
SELECT count(l.x) FROM customers c LEFT JOIN LATERAL (SELECT 1 AS x WHERE c.full_name LIKE 'M%') l ON true;
-- name: natural join of a table with itself
SELECT count(*) FROM customers a NATURAL JOIN customers b;
-- name: natural left join
SELECT count(b) FROM customers a NATURAL LEFT JOIN (SELECT 'Mary Major'::text AS full_name) b;
-- name: join using merged columns, coalesced
SELECT a.id FROM customers a FULL JOIN (VALUES ('+1-605-0107'::varchar)) v(phone) USING (phone) WHERE a.id IS NULL OR a.id = 7;
-- name: order by a row
SELECT (s).id FROM (SELECT full_name, id FROM customers) s ORDER BY s;
-- name: order by the row of an alias list
SELECT a.z FROM (SELECT phone, id FROM customers WHERE id < 30) a(y, z) ORDER BY a;
-- name: min of a row
SELECT (array_agg(s ORDER BY s))[1]::text FROM (SELECT full_name, id FROM customers) s;
-- name: number of nulls
SELECT id, num_nulls(address, province), num_nonnulls(VARIADIC ARRAY[address, full_name]) FROM customers ORDER BY id;
-- name: row is null
SELECT id, ROW(address) IS NULL, (address, province) IS NOT NULL FROM customers ORDER BY id;
-- name: boolean tests
SELECT id, (address LIKE '%') IS UNKNOWN, (phone > '+1-6') IS TRUE, (full_name < 'M') IS NOT FALSE FROM customers ORDER BY id;
-- name: variadic
SELECT concat(VARIADIC ARRAY[phone, full_name]), json_build_object(VARIADIC ARRAY['p', apple_id]) FROM customers WHERE id < 9;
-- name: direct argument of an ordered-set aggregate
SELECT percentile_disc((SELECT length(full_name) / 100.0 FROM customers WHERE id = 7)) WITHIN GROUP (ORDER BY id) FROM customers;
-- name: subscript
SELECT (ARRAY['a', 'b', 'c'])[length(full_name) - 9], ('{a,b,c,d}'::text[])[1:length(full_name) - 9] FROM customers WHERE id = 7;
-- name: jsonb subscript by the value
SELECT (jsonb '{"Mary Major": 1}')[full_name] FROM customers WHERE id = 7;
-- name: physical sample
SELECT id FROM customers TABLESAMPLE system (34) REPEATABLE (3);
-- name: physical place of open columns
SELECT max(ctid::text), count(DISTINCT split_part(ctid::text, ',', 1)), sum(split_part(btrim(ctid::text, '()'), ',', 1)::int) FROM customers;
-- name: hash of the open column's row
SELECT hash_record(s) FROM (SELECT id, address FROM customers WHERE id = 7) s;
-- name: record in a comparison list
SELECT id FROM customers c WHERE (c.full_name, c.id) >= ('M', 0) AND (c.full_name, c.id) < ('N', 0) ORDER BY id;
-- name: in with a row
SELECT id FROM customers WHERE (id, full_name) IN ((7, 'Mary Major'), (42, 'John Doe')) ORDER BY 1;
-- name: all of an empty set as a bit
SELECT 1 > ALL (SELECT id FROM customers WHERE phone = '+1-605-0107');
-- name: array of keys chosen
SELECT ARRAY(SELECT id FROM customers WHERE phone LIKE '+1-605%' ORDER BY id);
-- name: scalar sub-select of a key chosen
SELECT (SELECT id FROM customers WHERE phone = '+1-605-0107' LIMIT 1);
-- name: scalar sub-select of a key in a protected order
SELECT (SELECT id FROM customers ORDER BY apple_id LIMIT 1), (SELECT min(id) FROM customers WHERE address IS NULL);
-- name: with ordinality in a protected order
SELECT o, a FROM (SELECT array_agg(id ORDER BY full_name) AS v FROM customers) s, unnest(v) WITH ORDINALITY u(a, o) ORDER BY o LIMIT 20;
-- name: look-up that is not false
-- as: sam
SELECT id FROM customers WHERE (phone = '+1-605-0107') IS NOT FALSE ORDER BY id;
-- name: look-up twice negated
-- as: sam
SELECT count(*) FROM customers WHERE NOT phone <> '+1-605-0107' AND NOT (apple_id = 'x');
-- name: look-up and a null test
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-0107' AND address IS NOT NULL;
-- name: look-up and a computed test
-- as: sam
SELECT id FROM customers WHERE phone = '+1-605-0107' AND length(full_name) > 3;
-- name: look-up compared with another column
-- as: sam
SELECT count(*) FROM customers a, customers b WHERE a.phone = b.phone;
-- name: look-up with its parameter used twice
-- as: sam
-- bind: +1-605-0107
SELECT id FROM customers WHERE phone = $1 AND full_name > $1;
-- name: look-up over two occurrences
-- as: sam
SELECT a.id, b.id FROM customers a, customers b WHERE a.phone = '+1-605-0107' AND b.phone = '+1-514-0342';
-- name: look-up of a list by a join of values
-- as: sam
SELECT g, c.id FROM generate_series(100, 110) g LEFT JOIN customers c ON c.phone = '+1-605-0' || g ORDER BY 1;
-- name: look-up in a recursive search
-- as: sam
WITH RECURSIVE g(n, id) AS (SELECT 0, NULL::bigint UNION ALL SELECT n + 1, (SELECT c.id FROM customers c WHERE c.phone = '+1-605-' || lpad(n::text, 4, '0') LIMIT 1) FROM g WHERE n < 200) SELECT n, id FROM g WHERE id IS NOT NULL;
-- name: look-up in a sub-select's order
-- as: sam
SELECT id FROM customers ORDER BY phone = '+1-605-0107' DESC NULLS LAST, id LIMIT 3;
-- name: look-up in a filter
-- as: sam
SELECT count(*) FILTER (WHERE phone = '+1-605-0107'), count(*) FILTER (WHERE phone = '+1-514-0342') FROM customers;
-- name: look-up within limit
-- as: sam
SELECT id FROM customers ORDER BY id LIMIT (SELECT count(*) FROM customers WHERE phone = '+1-605-0107') + 1;
-- name: look-up with a cast that widens it
-- as: sam
SELECT id FROM customers WHERE phone::char(6) = '+1-605' ORDER BY id;
-- name: look-up with a name type, cut at 63 bytes
-- as: sam
SELECT id FROM customers WHERE full_name::name = 'Mary Major'::name ORDER BY id;
-- name: look-up by explain
-- as: sam
EXPLAIN SELECT id FROM customers WHERE phone = '+1-605-0107' OR full_name < 'M';
-- name: look-up in an exists
-- as: sam
SELECT EXISTS (SELECT 1 FROM customers WHERE phone = '+1-605-0107'), EXISTS (SELECT 1 FROM customers WHERE phone = '+1-514-0342');
-- section: 4.9 protocol
-- name: special identifiers in a cte
WITH ":targetList (" (":resname", "}") AS (SELECT id, upper(full_name) FROM customers WHERE id < 5) SELECT "}" FROM ":targetList (";
-- name: special identifiers in a window
SELECT count(*) OVER ":name <>" FROM customers WINDOW ":name <>" AS (PARTITION BY full_name) ORDER BY 1;
-- name: special identifiers in a join
SELECT j."{VAR :varno 1}" || '' FROM (SELECT phone, id FROM customers) AS j("{VAR :varno 1}", ")") WHERE j.")" < 5;
-- name: special identifiers in using
SELECT a.id FROM (SELECT id, full_name FROM customers) a(id, ":k \") JOIN (VALUES ('Mary Major')) b(":k \") USING (":k \");
-- name: special identifiers in a function's columns
SELECT "({" FROM ROWS FROM (json_to_recordset((SELECT json_agg(json_build_object('a', phone) ORDER BY id) FROM customers)) AS (a text)) AS x("({") LIMIT 5;
-- name: alias of 63 brackets
SELECT upper(phone) AS "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{(((((((((((((((((((((((((((((((" FROM customers WHERE id < 5;
-- name: alias of back-slashes
SELECT upper(phone) AS "\\\\\\\\\ \\\\\\\\\\", full_name || '' AS "\" FROM customers WHERE id < 5;
-- name: alias of a number, of nothing printable, of a node
SELECT upper(phone) AS "0", full_name || '' AS " ", apple_id || '' AS "{QUERY :commandType 1}" FROM customers WHERE id < 5;
