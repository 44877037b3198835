-- The demo's shop: 100,000 made-up customers and what hangs on them. Everything is computed from the row's number, so each run is the
-- same. No name, number or address is anybody's: numbers come from a permutation, addresses are of reserved domains.
CREATE TABLE customers (
	id         integer PRIMARY KEY,
	full_name  text NOT NULL,
	phone      text NOT NULL,
	apple_id   text NOT NULL,
	province   text NOT NULL,
	since      date NOT NULL
);
CREATE TABLE orders (
	id          integer PRIMARY KEY,
	customer_id integer NOT NULL,
	product     text NOT NULL,
	amount      numeric(10,2) NOT NULL,
	ordered_at  timestamptz NOT NULL
);
CREATE TABLE devices (
	serial      text PRIMARY KEY,
	customer_id integer NOT NULL,
	model       text NOT NULL
);
CREATE TABLE tickets (
	id          integer PRIMARY KEY,
	customer_id integer NOT NULL,
	subject     text NOT NULL,
	assigned_to text NOT NULL,
	status      text NOT NULL DEFAULT 'open',
	opened_by   text NOT NULL DEFAULT 'switchboard',
	opened_at   timestamptz NOT NULL DEFAULT now(),
	closed_at   timestamptz
);
CREATE TABLE products (name text PRIMARY KEY, price numeric(10,2) NOT NULL);

INSERT INTO products VALUES ('phone 5c', 4488), ('phone 6', 5288), ('phone 6 plus', 6088), ('tablet air', 3588), ('notebook 13', 7988);

-- A number from a row number and a salt, 0 <= n < m; the same on every machine.
CREATE FUNCTION pick(id integer, salt integer, m integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
	$$ SELECT ((id::bigint * 2654435761 + salt::bigint * 40503 + ((id::bigint * 48271 + salt) % 65537) * 7919) % 2147483647 % m)::integer $$;

INSERT INTO customers
WITH words AS (SELECT
	array['王','李','张','刘','陈','杨','黄','赵','吴','周','徐','孙','马','朱','胡','郭','何','高','林','罗'] AS family,
	array['wang','li','zhang','liu','chen','yang','huang','zhao','wu','zhou','xu','sun','ma','zhu','hu','guo','he','gao','lin','luo'] AS family_latin,
	array['伟','芳','娜','秀英','敏','静','丽','强','磊','军','洋','勇','艳','杰','娟','涛','明','超','秀兰','霞','平','刚','桂英','浩','婷'] AS given,
	array['wei','fang','na','xiuying','min','jing','li','qiang','lei','jun','yang','yong','yan','jie','juan','tao','ming','chao','xiulan','xia','ping','gang','guiying','hao','ting'] AS given_latin,
	array['Smith','Brown','Wilson','Taylor','Evans','Walker','Wright','Green','Baker','Adams','Carter','Mitchell','Turner','Parker','Collins'] AS last,
	array['James','Mary','Robert','Linda','John','Susan','David','Karen','Peter','Emma','Daniel','Laura','Paul','Helen','Mark'] AS first,
	array['广东','浙江','江苏','河北','四川','湖北','山东','福建'] AS province,
	array['139','138','137','136','135','150','151','159','186','187','188','177'] AS prefix,
	array['example.com','example.net','example.org'] AS domain)
SELECT n,
	CASE WHEN pick(n, 1, 5) = 0 THEN first[1 + pick(n, 2, 15)] || ' ' || last[1 + pick(n, 3, 15)]
	     ELSE family[1 + pick(n, 4, 20)] || given[1 + pick(n, 5, 25)] END,
	prefix[1 + pick(n, 6, 12)] || lpad((n::bigint * 48271 % 99999989)::text, 8, '0'),
	CASE WHEN pick(n, 1, 5) = 0 THEN lower(first[1 + pick(n, 2, 15)] || '.' || last[1 + pick(n, 3, 15)])
	     ELSE given_latin[1 + pick(n, 5, 25)] || '.' || family_latin[1 + pick(n, 4, 20)] END
		|| n || '@' || domain[1 + pick(n, 7, 3)],
	province[1 + pick(n, 8, 8)],
	date '2012-01-01' + pick(n, 9, 1500)
FROM words, generate_series(1, 100000) n;

INSERT INTO orders
SELECT n, 1 + pick(n, 21, 100000), name, price, timestamptz '2016-01-01 00:00Z' + pick(n, 22, 300) * interval '1 day'
FROM generate_series(1, 60000) n, LATERAL (SELECT name, price FROM products ORDER BY name OFFSET pick(n, 23, 5) LIMIT 1) p;

INSERT INTO devices
SELECT 'D' || lpad(n::text, 9, '0'), n, (array['phone 5c','phone 6','phone 6 plus','tablet air','notebook 13'])[1 + pick(n, 31, 5)]
FROM generate_series(1, 50000) n;

CREATE INDEX ON customers (phone);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON devices (customer_id);
CREATE INDEX ON tickets (customer_id);
CREATE INDEX ON tickets (opened_at);

-- What the desk program reads; the gate follows its columns to the table behind it.
CREATE VIEW customer_card AS SELECT id, full_name, phone, province, since FROM customers;

CREATE ROLE care NOLOGIN;
GRANT SELECT ON customers, customer_card, orders, devices, tickets, products TO care;
GRANT UPDATE (status, closed_at) ON tickets TO care;
