-- Beside schema.sql: tickets as a company has them, and the people of count.csv.
CREATE TABLE cases (id int PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, assigned_to text, opened_by text, team text,
  opened_at timestamptz NOT NULL, closed_at timestamptz);
CREATE INDEX ON cases (customer_id);
INSERT INTO cases SELECT i, i, 'wei', 'frontdesk', 'T1', now() - interval '2 hours', NULL FROM generate_series(1, 20) i;      -- wei's own
INSERT INTO cases SELECT i, i, 'lin', 'frontdesk', 'T1', now() - interval '2 hours', NULL FROM generate_series(21, 30) i;     -- a colleague's
INSERT INTO cases SELECT i, i, 'far', 'frontdesk', 'T9', now() - interval '2 hours', NULL FROM generate_series(31, 40) i;     -- another organisation's
INSERT INTO cases SELECT i, i, 'wei', 'wei', 'T1', now() - interval '2 hours', NULL FROM generate_series(41, 50) i;           -- opened by himself
INSERT INTO cases SELECT i, i, 'wei', 'frontdesk', 'T1', now() - interval '9 days', now() - interval '8 days' FROM generate_series(51, 60) i; -- long closed
CREATE ROLE crm LOGIN PASSWORD 'crm-Secret-6' IN ROLE staff;
DO $$ DECLARE r text; BEGIN
  FOREACH r IN ARRAY ARRAY['few1','few2','many1','firm1','firm2','pool1','pool2','plain1','wei','lin','far','opn','veil','step1','step2','ask1','lead1','guard1','office1','else1','cert1','vet1','vet2','left1'] LOOP
    EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L IN ROLE staff', r, r || '-Secret');
  END LOOP;
END $$;
GRANT SELECT ON cases TO staff, gatehouse_control;
GRANT SELECT ON customers TO gatehouse_control;
