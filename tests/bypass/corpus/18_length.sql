-- section: 4.8 how long a value is
-- name: a row that is too long says how long
-- simple:
SELECT id, address, repeat('x', 67108864) FROM customers WHERE id = 7;
-- name: a hidden value makes a row too long
-- simple:
SELECT id, address, repeat('x', 67108842) FROM customers WHERE id = 7;
