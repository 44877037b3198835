-- section: 4.3 views, functions, CTE, lateral
-- name: view renames, expression
SELECT contact || '' FROM contact_card WHERE id < 9;
-- name: view renames, test
SELECT id FROM contact_card WHERE contact LIKE '+1-605%';
-- name: view renames, order
SELECT id FROM contact_card ORDER BY mail, id;
-- name: view of a view by cte
WITH v AS (SELECT * FROM contact_card), w AS (SELECT id, upper(name) AS n FROM v) SELECT n FROM w WHERE id < 9;
-- name: materialized view
SELECT phone FROM customers_copy ORDER BY id LIMIT 9;
-- name: partition directly
SELECT number FROM calls_2024 ORDER BY id LIMIT 9;
-- name: relation without a rule
SELECT body FROM staff_notes ORDER BY id;
-- name: column without a rule
SELECT id, remark FROM orders ORDER BY id LIMIT 9;
-- name: column without a rule in a test
SELECT id FROM orders WHERE remark LIKE 'gift for a%' ORDER BY id;
-- name: star over a column without a rule
SELECT * FROM orders ORDER BY id LIMIT 9;
-- name: foreign table
SELECT phone FROM far_customers ORDER BY id LIMIT 9;
-- name: join with a foreign table
SELECT o.id, f.phone FROM orders o JOIN far_customers f ON f.id = o.customer_id ORDER BY 1 LIMIT 9;
-- name: set-returning function
SELECT phone FROM find_customers('BC') ORDER BY id;
-- name: set-returning function in the select list
SELECT (find_customers('BC')).apple_id;
-- name: set-returning function, whole
SELECT find_customers('ON');
-- name: rows from
SELECT * FROM ROWS FROM (find_customers('BC'), generate_series(1, 3)) AS x LIMIT 9;
-- name: with ordinality
SELECT * FROM find_customers('QC') WITH ORDINALITY LIMIT 9;
-- name: definer function
SELECT * FROM customer_contact(7);
-- name: definer function lateral
SELECT o.id, f.contact FROM orders o, LATERAL customer_contact(o.customer_id) f WHERE o.id < 9 ORDER BY 1;
-- name: definer function in the select list
SELECT id, customer_contact(customer_id) FROM orders WHERE id < 9;
-- name: definer function by parameter
-- bind: 7
SELECT contact FROM customer_contact($1);
-- name: definer function that only counts
SELECT customer_count('+1-605%');
-- name: named arguments
SELECT run_report(q => 'SELECT phone::text FROM customers ORDER BY id LIMIT 9');
-- name: report of assembled text
SELECT * FROM run_report('SEL' || 'ECT full_name FROM cus' || 'tomers ORDER BY id');
-- name: report by parameter
-- bind: SELECT phone::text FROM customers ORDER BY id
SELECT * FROM run_report($1);
-- name: user operator
SELECT ~~> id FROM customers WHERE id < 9;
-- name: user operator over open columns only
SELECT o.id, ~~> o.customer_id FROM orders o WHERE id < 9;
-- name: scalar user function
SELECT contact_of(customer_id) FROM tickets ORDER BY id LIMIT 9;
-- name: user aggregate over open columns
SELECT all_contacts(customer_id ORDER BY id) FROM tickets;
-- name: user aggregate as a window
SELECT all_contacts(customer_id) OVER (ORDER BY id) FROM tickets LIMIT 5;
-- name: user function in order by
SELECT id FROM tickets ORDER BY contact_of(customer_id), id;
-- name: user function in a join condition
SELECT t.id FROM tickets t JOIN products p ON contact_of(t.customer_id) LIKE '+1-605%' AND p.name = 'item 1' ORDER BY 1;
-- name: user function as a default of coalesce
SELECT coalesce(NULL, contact_of(7));
-- name: user function in limit
SELECT id FROM tickets ORDER BY id LIMIT length(coalesce(contact_of(7), '')) - 4 + right(contact_of(7), 4)::int % 13;
-- name: user procedure
CALL tell(7, NULL);
-- name: trusted function with a protected argument
SELECT customer_province(right(phone, 2)::bigint + left(right(phone, 4), 2)::bigint) FROM customers WHERE id < 20;
-- name: overload shadows the trusted function
-- simple:
CREATE FUNCTION pg_temp.customer_province(bigint) RETURNS text LANGUAGE sql AS 'SELECT phone::text FROM public.customers WHERE id = $1';
SELECT pg_temp.customer_province(7);
-- name: recursion, open first arm
WITH RECURSIVE t(id, v) AS (SELECT id, province FROM customers WHERE id = 7 UNION ALL SELECT c.id, c.phone FROM t JOIN customers c ON c.id = t.id + 1 WHERE t.id < 12) SELECT v FROM t;
-- name: recursion carries it over two turns
WITH RECURSIVE t(n, a, b) AS (SELECT 1, 'x'::text, phone::text FROM customers WHERE id = 7 UNION ALL SELECT n + 1, b, a FROM t WHERE n < 4) SELECT n, a FROM t;
-- name: recursion counts
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < (SELECT length(full_name) FROM customers WHERE id = 7)) SELECT count(*) FROM t;
-- name: cte used twice
WITH c AS (SELECT id, phone FROM customers) SELECT a.id FROM c a JOIN c b ON a.phone < b.phone AND b.id = 7 ORDER BY 1;
-- name: materialized cte
WITH c AS MATERIALIZED (SELECT id, phone AS p FROM customers) SELECT p || '' FROM c WHERE id < 9;
-- name: nested with
SELECT x FROM (WITH w AS (SELECT full_name || '' AS x FROM customers WHERE id < 9) SELECT * FROM w) s;
-- name: lateral sub-select
SELECT o.id, l.p FROM orders o, LATERAL (SELECT c.phone || '' AS p FROM customers c WHERE c.id = o.customer_id) l WHERE o.id < 9 ORDER BY 1;
-- name: lateral that hands the value through
SELECT l.v FROM customers c, LATERAL (SELECT c.address AS v UNION ALL SELECT c.full_name) l WHERE c.id < 9;
-- name: query_to_xml
SELECT query_to_xml('SELECT phone FROM customers WHERE id < 9', true, false, '');
-- name: query_to_xml by parameter
-- bind: SELECT phone FROM customers
SELECT query_to_xml($1, true, false, '');
-- name: query_to_xml, text at run time
SELECT query_to_xml('SELECT ' || a || ' FROM ' || b, true, false, '') FROM (VALUES ('phone', 'customers')) v(a, b);
-- name: query_to_xmlschema and xml
SELECT query_to_xml_and_xmlschema('SELECT full_name FROM customers WHERE id < 9', true, false, '');
-- name: table_to_xml
SELECT table_to_xml('customers', true, false, '');
-- name: table_to_xml of a constant regclass
SELECT table_to_xml('customers'::regclass::oid::regclass, true, true, '');
-- name: schema_to_xml
SELECT schema_to_xml('public', true, false, '');
-- name: database_to_xml
SELECT length(database_to_xml(true, false, '')::text) > 0, md5(database_to_xml(true, false, '')::text);
-- name: cursor_to_xml
-- simple:
BEGIN;
DECLARE k CURSOR FOR SELECT phone FROM customers WHERE id < 9;
SELECT cursor_to_xml('k', 5, true, false, '');
-- name: ts_stat
SELECT * FROM ts_stat('SELECT to_tsvector(''simple'', full_name) FROM customers') ORDER BY 1;
-- name: ts_rewrite
SELECT ts_rewrite('x'::tsquery, 'SELECT ''x''::tsquery, plainto_tsquery(''simple'', full_name) FROM customers WHERE id = 7');
-- name: crosstab
SELECT * FROM crosstab('SELECT id, 1, phone::text FROM customers WHERE id < 9 ORDER BY 1') AS ct(id bigint, p text);
-- name: connectby
SELECT keyid FROM connectby('(SELECT full_name AS k, ''r''::text AS p FROM customers WHERE id < 9) s', 'k', 'p', 'r', 0) AS t(keyid text, parent_keyid text, level int);
-- name: normal_rand is not needed, crosstab with categories
SELECT * FROM crosstab('SELECT 1, id, full_name FROM customers WHERE id < 4 ORDER BY 2', 'SELECT generate_series(1, 3)') AS ct(r int, a text, b text, c text);
-- name: xpath_table
SELECT * FROM xpath_table('id', '(''<r>'' || full_name || ''</r>'')', 'customers', '/r', 'id < 9') AS t(id int, v text);
-- name: dblink with a password
SELECT p FROM dblink('host=localhost sslmode=disable port=' || current_setting('port') || ' dbname=' || current_database() || ' user=mira password=mira-Secret-1', 'SELECT phone FROM customers ORDER BY id LIMIT 9') AS t(p text);
-- name: dblink by foreign server
SELECT * FROM dblink('loop', 'SELECT phone FROM customers ORDER BY id LIMIT 9') AS t(p text);
-- name: dblink connection kept
-- simple:
SELECT dblink_connect('c', 'loop');
SELECT dblink_send_query('c', 'SELECT full_name FROM customers WHERE id = 7');
SELECT * FROM dblink_get_result('c') AS t(p text);
-- name: function in from with a protected argument
SELECT c.id, g FROM customers c, generate_series(1, ascii(right(c.full_name, 1)) % 5) g WHERE c.id < 20 ORDER BY 1, 2;
-- name: unnest with a protected argument
SELECT u FROM customers c, unnest(ARRAY[c.phone, c.address]) u WHERE c.id < 9;
-- name: json table functions with a protected argument
SELECT e FROM customers c, json_array_elements_text(json_build_array(c.phone)) e WHERE c.id < 9;
-- name: regexp_matches in from
SELECT m FROM customers c, regexp_matches(c.phone, '(\d\d)', 'g') m WHERE c.id < 9;
-- name: string_to_table in from
SELECT s FROM customers c, string_to_table(c.full_name, ' ') s WHERE c.id < 9;
-- name: temp table takes the table's name for a definer function
-- simple:
-- direct: it changes what a definer function reads; the result is no protected value
CREATE TEMP TABLE customers (phone text);
INSERT INTO customers VALUES ('+1-605');
SELECT customer_count('+1-605%');
