-- section: 4.14 row scope
-- name: view without a barrier, error by an earlier test
SELECT id FROM branches_north WHERE xmlparse(document remark) IS NOT NULL;
-- name: view without a barrier, function of one's own
CREATE FUNCTION pg_temp.leak(text) RETURNS bool COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
SELECT count(*) FROM branches_north WHERE pg_temp.leak(remark);
-- name: view with a barrier, function of one's own
-- direct: the barrier holds
CREATE FUNCTION pg_temp.leak(text) RETURNS bool COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
SELECT count(*) FROM branches_north_safe WHERE pg_temp.leak(remark);
-- name: plan of a view without a barrier
EXPLAIN SELECT 1 FROM branches_north WHERE amount > 1030;
-- name: plan of a table with row policies
EXPLAIN SELECT 1 FROM visits WHERE amount > 1030;
-- name: row policies, count
-- direct: row-level security of the database holds
SELECT count(*) FROM visits;
-- name: row policies, error by an earlier test
-- direct: row-level security of the database holds
SELECT id FROM visits WHERE xmlparse(document remark) IS NOT NULL;
-- name: row policies, row security off
-- direct: row-level security of the database holds: the server refuses
SET row_security = off;
SELECT count(*) FROM visits;
-- name: row policies, copy
-- direct: row-level security of the database holds
COPY visits TO STDOUT;
-- name: row policies, statistics
-- open: pg_class tells the size of every table in rows; drivers read it with the indexes
SELECT reltuples FROM pg_class WHERE relname = 'visits';
-- name: row policies, size
-- direct: both fit one page
SELECT pg_relation_size('visits');
-- name: row policies, statistics view
-- direct: pg_stats leaves out tables with row policies
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'visits';
-- name: base table of the view
-- direct: PostgreSQL refuses it
SELECT * FROM branches;
-- name: live tuples
SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'visits';
-- name: scope by a lateral join
-- direct: row-level security of the database holds
SELECT v.id, w.remark FROM visits v, LATERAL (SELECT remark FROM visits w WHERE w.id > v.id ORDER BY id LIMIT 1) w ORDER BY 1;
-- name: foreign table reads as somebody else
SELECT count(*) FROM dblink('loop', 'SELECT remark FROM visits') AS t(r text);
