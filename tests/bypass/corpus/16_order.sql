-- section: 4.8 the order of rows
-- name: distinct, key behind the masked column
SELECT DISTINCT phone, id FROM customers;
-- name: distinct, key first
SELECT DISTINCT id, phone FROM customers LIMIT 5;
-- name: distinct, ordered by half of it
SELECT DISTINCT c.id, c.phone, o.item FROM customers c JOIN orders o ON o.customer_id = c.id ORDER BY o.item LIMIT 40;
-- name: distinct on, the key behind
SELECT DISTINCT ON (phone, id) id FROM customers LIMIT 5;
-- name: group by, over a sub-select that is kept
SELECT id, phone, count(*) FROM (SELECT id, phone FROM customers OFFSET 0) s GROUP BY id, phone;
-- name: group by, over a union
SELECT id, phone, count(*) FROM (SELECT id, phone FROM customers UNION ALL SELECT id, phone FROM customers) s GROUP BY id, phone;
-- name: group by, in a sub-select
SELECT id FROM (SELECT id, phone FROM (SELECT id, phone FROM customers OFFSET 0) s GROUP BY id, phone) t LIMIT 7;
-- name: group by, ordered by something else
SELECT id, phone FROM (SELECT id, phone FROM customers OFFSET 0) s GROUP BY id, phone ORDER BY count(*);
