-- section: 4.1 expressions, casts, aggregates
-- name: append empty text
SELECT id, phone || '' FROM customers ORDER BY id;
-- name: prepend empty text
SELECT '' || apple_id FROM customers ORDER BY id;
-- name: cast varchar to text
SELECT phone::text FROM customers WHERE id < 20;
-- name: cast varchar(32) to varchar
SELECT phone::varchar FROM customers WHERE id < 20;
-- name: cast to char(20)
SELECT phone::char(20) FROM customers WHERE id < 20;
-- name: cast to name
SELECT full_name::name FROM customers WHERE id < 20;
-- name: cast to citext
SELECT apple_id::citext FROM customers WHERE id < 20;
-- name: cast to bytea
SELECT convert_to(full_name, 'UTF8') FROM customers WHERE id < 20;
-- name: cast to char(1)
SELECT address::char(1) FROM customers WHERE id < 60;
-- name: cast to xml
SELECT phone::xml FROM customers WHERE id = 7;
-- name: CAST syntax to json
SELECT CAST('"' || full_name || '"' AS json) FROM customers WHERE id < 9;
-- name: collate
SELECT full_name COLLATE "C" FROM customers WHERE id < 20;
-- name: case always true
SELECT CASE WHEN true THEN phone END FROM customers WHERE id < 20;
-- name: simple case over the value
SELECT id, CASE phone WHEN '+1-605-0107' THEN 'hit' ELSE 'miss' END FROM customers WHERE id < 20;
-- name: coalesce
SELECT coalesce(phone, '') FROM customers WHERE id < 20;
-- name: coalesce of open and protected
SELECT coalesce(NULLIF(province, province), full_name) AS province FROM customers WHERE id < 20;
-- name: nullif
SELECT nullif(phone, '') FROM customers WHERE id < 20;
-- name: nullif against a guess
SELECT id, nullif('+1-605-0107', phone) FROM customers WHERE id < 20;
-- name: greatest
SELECT greatest(phone, '') FROM customers WHERE id < 20;
-- name: least of two columns
SELECT least(full_name, apple_id) FROM customers WHERE id < 20;
-- name: array constructor
SELECT ARRAY[phone] FROM customers WHERE id < 20;
-- name: array element out of a constructor
SELECT (ARRAY[province, address])[2] FROM customers WHERE id < 40;
-- name: row constructor
SELECT ROW(id, phone) FROM customers WHERE id < 20;
-- name: field of a row constructor
SELECT (ROW(phone, 1)::card).a FROM customers WHERE id < 20;
-- name: scalar sub-select of the outer column
SELECT (SELECT c.phone) FROM customers c WHERE id < 20;
-- name: scalar sub-select from the table
SELECT (SELECT full_name FROM customers WHERE id = 7);
-- name: array of a sub-select
SELECT ARRAY(SELECT address FROM customers ORDER BY id);
-- name: is null
SELECT id, address IS NULL AS unknown FROM customers WHERE id < 60;
-- name: equality as a result
SELECT id, phone = '+1-605-0107' FROM customers WHERE id < 20;
-- name: is distinct from
SELECT id, full_name IS DISTINCT FROM 'Mary Major' FROM customers WHERE id < 20;
-- name: like as a result
SELECT id, phone LIKE '+1-605%' FROM customers WHERE id < 20;
-- name: in list as a result
SELECT id, full_name IN ('Mary Major', 'John Doe') FROM customers;
-- name: between as a result
SELECT id, phone BETWEEN '+1-5' AND '+1-605-1' FROM customers;
-- name: overlaps of a range made of it
SELECT id, int4range(0, length(address)) @> 12 FROM customers;
-- name: base64
SELECT encode(convert_to(apple_id, 'UTF8'), 'base64') FROM customers WHERE id < 20;
-- name: hex
SELECT encode(full_name::bytea, 'hex') FROM customers WHERE id < 20;
-- name: reverse
SELECT reverse(phone) FROM customers WHERE id < 20;
-- name: translate
SELECT translate(phone, '0123456789', 'abcdefghij') FROM customers WHERE id < 20;
-- name: ascii per character
SELECT id, ascii(substr(full_name, n, 1)) FROM customers, generate_series(1, 5) n WHERE id < 9 ORDER BY id, n;
-- name: digits as bigint
SELECT regexp_replace(phone, '[^0-9]', '', 'g')::bigint FROM customers WHERE id < 20;
-- name: digits as timestamp
SELECT to_timestamp(right(phone, 4)::bigint) FROM customers WHERE id < 20;
-- name: digits as inet
SELECT '0.0.0.0'::inet + right(phone, 4)::bigint FROM customers WHERE id < 20;
-- name: digits as interval
SELECT make_interval(secs => right(phone, 4)::int) FROM customers WHERE id < 20;
-- name: digits as range
SELECT int4range(0, right(phone, 4)::int + 1) FROM customers WHERE id < 20;
-- name: digits as money and numeric
SELECT right(phone, 4)::numeric::money, to_number(phone, '999999999999') FROM customers WHERE id < 20;
-- name: digits as bit string
SELECT right(phone, 4)::int::bit(16) FROM customers WHERE id < 20;
-- name: digits as uuid
SELECT ('00000000-0000-0000-0000-00000000' || right(phone, 4))::uuid FROM customers WHERE id < 20;
-- name: text search vector
SELECT to_tsvector('simple', full_name) FROM customers WHERE id < 20;
-- name: trigrams
SELECT show_trgm(full_name) FROM customers WHERE id < 20;
-- name: metaphone and soundex
SELECT metaphone(full_name, 9), soundex(full_name), dmetaphone(full_name) FROM customers WHERE id < 20;
-- name: encrypt and decrypt
SELECT pgp_sym_decrypt(pgp_sym_encrypt(phone, 'k'), 'k') FROM customers WHERE id = 7;
-- name: md5
SELECT md5(phone) FROM customers WHERE id < 20;
-- name: sha256
SELECT sha256(convert_to(phone, 'UTF8')), digest(full_name, 'sha256') FROM customers WHERE id < 20;
-- name: hashtext
SELECT hashtext(phone), hashtextextended(full_name, 1) FROM customers WHERE id < 20;
-- name: hmac with a key of one's own
SELECT hmac(phone, 'k', 'md5') FROM customers WHERE id < 20;
-- name: left and rest
SELECT left(address, 8), substr(address, 9) FROM customers WHERE id < 20;
-- name: length
SELECT length(address), octet_length(full_name), bit_length(full_name), char_length(full_name) FROM customers WHERE id < 20;
-- name: column size
SELECT pg_column_size(address), pg_column_size(full_name) FROM customers WHERE id < 20;
-- name: position of a character
SELECT position('1' in phone), strpos(apple_id, '7') FROM customers WHERE id < 20;
-- name: overlay
SELECT overlay(phone placing 'x' from 1 for 1) FROM customers WHERE id < 20;
-- name: format
SELECT format('%s lives at %L', full_name, address) FROM customers WHERE id < 20;
-- name: split
SELECT split_part(apple_id, '@', 1), string_to_array(full_name, ' ') FROM customers WHERE id < 20;
-- name: pattern pieces
SELECT regexp_match(phone, '\d{3}-(\d+)'), substring(full_name from '^\w+') FROM customers WHERE id < 20;
-- name: set-returning pieces
SELECT id, regexp_split_to_table(full_name, '') FROM customers WHERE id < 9;
-- name: unnest of characters
SELECT id, unnest(string_to_array(phone, NULL)) FROM customers WHERE id < 9;
-- name: upper, initcap, trim, pad
SELECT upper(full_name), initcap(apple_id), btrim(address), lpad(phone, 40, '.') FROM customers WHERE id < 20;
-- name: concat with nothing
SELECT concat(phone), concat_ws(',', full_name, apple_id) FROM customers WHERE id < 20;
-- name: quote
SELECT quote_literal(full_name), quote_nullable(address), quote_ident(full_name) FROM customers WHERE id < 20;
-- name: max and min
SELECT max(phone), min(full_name) FROM customers;
-- name: mode
SELECT mode() WITHIN GROUP (ORDER BY address) FROM customers;
-- name: percentile_disc
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY phone) FROM customers;
-- name: hypothetical rank
SELECT rank('+1-605-0107') WITHIN GROUP (ORDER BY phone::text), cume_dist('M') WITHIN GROUP (ORDER BY full_name) FROM customers;
-- name: string_agg
SELECT string_agg(phone, ',' ORDER BY id) FROM customers;
-- name: array_agg
SELECT array_agg(full_name ORDER BY id) FROM customers GROUP BY province ORDER BY province;
-- name: json_agg, jsonb_object_agg
SELECT json_agg(phone ORDER BY id), jsonb_object_agg(id, address) FROM customers;
-- name: xmlagg
SELECT xmlagg(xmlelement(name p, phone) ORDER BY id) FROM customers WHERE id < 20;
-- name: count of a column
SELECT count(address) FROM customers;
-- name: count distinct
SELECT count(DISTINCT address) FROM customers;
-- name: bool_or over a test
SELECT bool_or(phone = '+1-605-0107'), every(address IS NULL) FROM customers;
-- name: sum and avg of derived numbers
SELECT sum(length(full_name)), avg(right(phone, 4)::int) FROM customers;
-- name: user aggregate
SELECT all_contacts(id) FROM customers WHERE id < 20;
-- name: window first_value
SELECT id, first_value(phone) OVER (ORDER BY id) FROM customers ORDER BY id LIMIT 3;
-- name: window lag of nothing
SELECT id, lag(address, 0) OVER (ORDER BY id) FROM customers ORDER BY id LIMIT 30;
-- name: window nth_value, last_value
SELECT nth_value(full_name, 7) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM customers LIMIT 1;
-- name: aggregate as window
SELECT id, max(phone) OVER (PARTITION BY id) FROM customers ORDER BY id LIMIT 9;
-- name: union all under an open name
SELECT province FROM customers WHERE false UNION ALL SELECT phone FROM customers;
-- name: union of different protected columns
SELECT phone::text FROM customers UNION ALL SELECT full_name FROM customers;
-- name: union all of masked and open
SELECT full_name FROM customers WHERE id < 4 UNION ALL SELECT item FROM orders WHERE id < 4 UNION ALL SELECT address FROM customers WHERE id < 40;
-- name: values with a sub-select
VALUES ((SELECT phone FROM customers WHERE id = 7), 'x'), ((SELECT apple_id FROM customers WHERE id = 7), 'y');
-- name: values in from
SELECT v FROM customers c, LATERAL (VALUES (c.phone), (c.phone)) x(v) WHERE c.id < 9;
-- name: domain
SELECT length(left(full_name, 3)::short), (left(address, 3))::short FROM customers WHERE id < 20;
-- name: composite cast
SELECT ROW(phone, address)::card FROM customers WHERE id < 20;
-- name: json constructors
SELECT json_build_object('p', phone), jsonb_build_array(full_name), to_json(address) FROM customers WHERE id < 20;
-- name: hstore of pairs
SELECT hstore('p', phone) FROM customers WHERE id < 20;
-- name: text concatenation with a number
SELECT id || phone FROM customers WHERE id < 20;
-- name: serial hidden in an expression
SELECT customer_id, substr(serial, 3) FROM devices ORDER BY customer_id LIMIT 20;
-- name: number of a call in an expression
SELECT id, number || '' FROM calls ORDER BY id LIMIT 20;
-- name: any and all
SELECT id, '+1-605-0107' = ANY (ARRAY[phone, 'x']), 'a' < ALL (ARRAY[full_name]) FROM customers;
-- name: similarity and distance
SELECT id, similarity(full_name, 'Mary Major'), levenshtein(phone, '+1-605-0107'), full_name <-> 'Mary' FROM customers WHERE id < 20;
-- name: unaccent
SELECT unaccent(full_name) FROM customers WHERE id < 20;
-- name: bit arithmetic
SELECT id, ('x' || md5(phone))::bit(32) # 1::bit(32) FROM customers WHERE id < 9;
-- name: xmlserialize and xmlparse
SELECT xmlserialize(content xmlparse(content full_name) AS text) FROM customers WHERE id < 9;
-- name: at time zone
SELECT timestamptz '2024-01-01 00:00Z' AT TIME ZONE ('UTC' || left(right(phone, 4), 1)) FROM customers WHERE id < 9;
-- name: type function call syntax
SELECT text(phone), bpchar(full_name::name), "char"(left(address, 1)) FROM customers WHERE id < 9;
-- name: operator function by name
SELECT textcat(phone::text, ''), texteq(full_name, 'Mary Major'), pg_catalog.textlike(phone, '+1-6%') FROM customers WHERE id < 9;
-- name: operator with a schema
SELECT phone OPERATOR(pg_catalog.||) '' FROM customers WHERE id < 9;
-- name: trusted view's column beside its base column
SELECT p.phone_masked || c.phone FROM customers_public p JOIN customers c USING (id) WHERE id < 9;
-- name: in a limit of a correlated sub-select
SELECT id, (SELECT count(*) FROM (SELECT 1 FROM generate_series(1, 100) LIMIT length(c.full_name)) s) FROM customers c WHERE id < 20;
