-- section: 4.2 whole rows and notation
-- name: whole row
SELECT c FROM customers c WHERE id < 9;
-- name: whole row by the table's name
SELECT customers FROM customers WHERE id < 9;
-- name: whole row as text
SELECT c::text FROM customers c WHERE id < 9;
-- name: whole row concatenated
SELECT concat(c), c || '' FROM customers c WHERE id < 9;
-- name: whole row in an array
SELECT array_agg(c ORDER BY id) FROM customers c WHERE id < 9;
-- name: field of an element of an array of rows
SELECT (array_agg(c ORDER BY id))[1].address FROM customers c;
-- name: row of a view
SELECT v FROM contact_card v WHERE id < 9;
-- name: row of a sub-select
SELECT s FROM (SELECT id, phone FROM customers WHERE id < 9) s;
-- name: row of a join alias
SELECT j FROM (customers c JOIN tickets t ON t.customer_id = c.id) AS j LIMIT 5;
-- name: row is null
SELECT id, c IS NOT NULL FROM customers c;
-- name: rows compared
SELECT a.id FROM (SELECT full_name, id FROM customers) a JOIN (SELECT full_name, id FROM customers) b ON a > b AND b.id = 42 ORDER BY 1;
-- name: row compared with a guess
SELECT id, c > ROW(7, 'Nobody', '+1-605-0107', '', '', '', now())::customers FROM customers c WHERE id = 7;
-- name: row size
SELECT id, pg_column_size(c) FROM customers c;
-- name: hash of a row
SELECT id, hash_record(c), hash_record_extended(c, 1) FROM customers c WHERE id < 9;
-- name: md5 of a row
SELECT id, md5(c::text) FROM customers c WHERE id < 9;
-- name: attribute notation row_to_json
SELECT c.row_to_json FROM customers c WHERE id < 9;
-- name: attribute notation to_jsonb
SELECT c.to_jsonb FROM customers c WHERE id < 9;
-- name: attribute notation concat
SELECT c.concat FROM customers c WHERE id < 9;
-- name: attribute notation hstore
SELECT c.hstore FROM customers c WHERE id < 9;
-- name: attribute notation json_agg
SELECT c.json_agg FROM customers c;
-- name: attribute notation count is a function
SELECT c.hash_record FROM customers c WHERE id < 9;
-- name: attribute notation of a user function
SELECT c.phone_of FROM customers c WHERE id < 9;
-- name: attribute notation of text
-- direct: PostgreSQL refuses it: a conversion by input and output is not to be had by notation
SELECT (c).text FROM customers c WHERE id < 9;
-- name: functional notation of a column in an expression
SELECT full_name(customers) || '' FROM customers WHERE id < 9;
-- name: functional notation of a column in a test
SELECT id FROM customers c WHERE phone(c) LIKE '+1-605%';
-- name: field through a sub-select with offset
SELECT (s.c).phone || '' FROM (SELECT c FROM customers c OFFSET 0) s WHERE (s.c).id < 9;
-- name: star of a row through a sub-select
SELECT (s.c).* FROM (SELECT c FROM customers c OFFSET 0) s LIMIT 5;
-- name: merged join alias
SELECT j FROM customers a JOIN customers b USING (phone) AS j ORDER BY a.id LIMIT 5;
-- name: row_to_json
SELECT row_to_json(c) FROM customers c WHERE id < 9;
-- name: to_jsonb arrow
SELECT to_jsonb(c) -> 'phone', to_jsonb(c) ->> 'full_name' FROM customers c WHERE id < 9;
-- name: key name by parameter
-- bind: phone
SELECT to_jsonb(c) ->> $1 FROM customers c WHERE id < 9;
-- name: jsonb_each_text
SELECT c.id, e.value FROM customers c, jsonb_each_text(to_jsonb(c)) e WHERE c.id < 5 ORDER BY 1, e.key;
-- name: jsonb_to_record with a harmless name
SELECT x.province FROM customers c, jsonb_to_record(jsonb_build_object('province', c.phone)) AS x(province text) WHERE c.id < 9;
-- name: jsonb path
SELECT jsonb_path_query(to_jsonb(c), '$.address') FROM customers c WHERE id < 20;
-- name: jsonb_populate_record
SELECT (jsonb_populate_record(NULL::card, jsonb_build_object('a', c.phone))).a FROM customers c WHERE id < 9;
-- name: subscript of jsonb
SELECT (to_jsonb(c))['phone'] FROM customers c WHERE id < 9;
-- name: json_object_agg
SELECT json_object_agg(c.id, c) FROM customers c WHERE id < 9;
-- name: hstore each
SELECT (each(hstore(c))).value FROM customers c WHERE id < 5;
-- name: hstore operator
SELECT hstore(c) -> 'apple_id', %# hstore(c) FROM customers c WHERE id < 9;
-- name: hstore delta between rows
SELECT hstore(a) - hstore(b) FROM customers a, customers b WHERE a.id = 7 AND b.id = 8;
-- name: xmlforest
SELECT xmlforest(phone, full_name AS n) FROM customers WHERE id < 9;
-- name: xmltable
SELECT t.v FROM customers c, XMLTABLE('/r' PASSING xmlelement(name r, c.phone) COLUMNS v text PATH '.') t WHERE c.id < 9;
-- name: names by position
SELECT c.province || '' FROM customers AS c(id, full_name, province, apple_id, address, phone) WHERE id < 9;
-- name: names by position in a test
SELECT c.id FROM customers AS c(id, full_name, province, apple_id, address, phone) WHERE c.province LIKE '+1-605%';
-- name: names by position, open name in order by
SELECT c.id FROM customers AS c(id, province, a, b, d, full_name) ORDER BY c.province, c.id;
-- name: cte takes the trusted view's name
WITH customers_public AS (SELECT id, phone || '' AS phone_masked FROM customers) SELECT phone_masked FROM customers_public WHERE id < 9;
-- name: cte takes the trusted view's name with its test
WITH customers_public AS (SELECT id, phone AS phone_masked, province FROM customers) SELECT id FROM customers_public WHERE phone_masked > '+1-6';
-- name: alias takes the trusted view's name
SELECT customers_public.phone || '' FROM customers AS customers_public WHERE id < 9;
-- name: unicode identifier
SELECT U&"ph\006fne" || '' FROM customers WHERE id < 9;
-- name: unicode identifier with another escape
SELECT U&"ph!006fne" UESCAPE '!' || '' FROM customers WHERE id < 9;
-- name: quoted and upper case identifiers
SELECT PHONE || '', "phone" || '', "customers"."phone" || '' FROM CUSTOMERS WHERE id < 9;
-- name: comments between tokens
SELECT/**/phone/* -- */||/*'*/''--
FROM/* /* nested */ */customers WHERE id < 9;
-- name: identifier cut at 63 bytes
SELECT phone || '' AS aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggphone FROM customers aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggggg WHERE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggXXX.id < 9;
-- name: schema and database qualified
SELECT shop.public.customers.phone || '' FROM shop.public.customers WHERE id < 9;
-- name: natural join with values
SELECT c.id FROM customers c NATURAL JOIN (VALUES ('+1-605-0107'::varchar)) v(phone);
-- name: join using
SELECT a.id, b.id FROM customers a JOIN customers b USING (address) WHERE a.id < b.id ORDER BY 1, 2;
-- name: natural join of two tables
SELECT count(*) FROM customers NATURAL JOIN (SELECT full_name FROM customers WHERE id = 7) s;
-- name: using in a left join
SELECT v.n, c.id FROM (VALUES (1, 'Mary Major'), (2, 'John Doe')) v(n, full_name) LEFT JOIN customers c USING (full_name) ORDER BY 1, 2;
-- name: search depth first
WITH RECURSIVE t AS (SELECT id, full_name FROM customers WHERE id < 30 UNION ALL SELECT id, full_name FROM t WHERE false) SEARCH DEPTH FIRST BY full_name SET ord SELECT id FROM t ORDER BY ord;
-- name: search breadth first shows its column
WITH RECURSIVE t AS (SELECT id, phone FROM customers WHERE id < 9 UNION ALL SELECT id, phone FROM t WHERE false) SEARCH BREADTH FIRST BY phone SET ord SELECT ord FROM t;
-- name: cycle
WITH RECURSIVE t AS (SELECT 0 AS n, address FROM customers WHERE id < 30 UNION ALL SELECT n + 1, address FROM t WHERE n < 1) CYCLE address SET hit USING pth SELECT n, hit, pth FROM t;
-- name: table command in a union
TABLE contact_card UNION ALL SELECT id, name, mail, contact, province FROM contact_card ORDER BY 1, 2;
-- name: star in an exists with a test on the row
SELECT id FROM orders o WHERE EXISTS (SELECT * FROM customers c WHERE c.id = o.customer_id AND c::text LIKE '%605%');
-- name: row in
SELECT id FROM customers WHERE (full_name, province) IN (SELECT 'Mary Major', province FROM customers);
-- name: row as argument of count
SELECT count(DISTINCT (full_name, phone)), count(DISTINCT c.phone) FROM customers c;
-- name: composite in composite
SELECT ((c, 1)::text) FROM customers c WHERE id < 9;
-- name: field of a function over a row
SELECT (json_populate_record(NULL::customers, row_to_json(c))).phone FROM customers c WHERE id < 9;
-- name: system column
SELECT ctid, xmin = xmin, tableoid FROM customers ORDER BY id;
-- name: row of the parent's partition
SELECT c FROM calls c ORDER BY id LIMIT 9;
