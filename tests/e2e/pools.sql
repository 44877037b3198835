-- Beside schema.sql and count.sql: work that belongs to teams, and the row-level security that a policy's `rows where assigned_team = actor.team` asks for.
CREATE TABLE worklist (id int PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, assigned_team text NOT NULL, note text);
INSERT INTO worklist SELECT i, i, 'T' || 1 + i % 3, 'call ' || i FROM generate_series(1, 60) i;
ALTER TABLE worklist ENABLE ROW LEVEL SECURITY;
CREATE POLICY team ON worklist USING (assigned_team = current_setting('gatehouse.team', true));
GRANT SELECT ON worklist TO staff;
