"""What the enforced series ask, and the policies that they ask under. Data only.

`enforce` judges and masks and has nothing to record: it stands beside `observe`. `enforce-write` and `enforce-flush` record every row of the same
table with that ledger_durability: they stand beside `write` and `flush`."""

SCHEMA = """
CREATE TABLE orders (id bigint PRIMARY KEY, person_id bigint NOT NULL REFERENCES people, item text, amount numeric(10, 2), ordered_at date);
INSERT INTO orders SELECT i, 1 + (i * 7919) % 10000, 'item ' || i % 50, i % 1000, date '2026-01-01' + (i % 300)::int FROM generate_series(1, 100000) i;
CREATE INDEX ON orders (person_id);
CREATE INDEX ON orders (ordered_at);
"""

GROUP = """  group staff {
    treat enforce
    on table public.pgbench_accounts { allow read show aid, bid, abalance, filler }
    on table public.people {
      allow read
      show  id, full_name, province, note
      mask  phone as last 4
      mask  email as first 1
    }
    on table public.orders { allow read show id, person_id, item, amount, ordered_at }
  }
"""
HEAD = 'policy "bench" version 1 {\n  purpose "measuring"\n  owner "bench"\n  treat observe\n'
# Nothing that is asked has a subject: what is measured is the judge and the masks.
POLICY_MASKED = HEAD + '  subject nobody { table public.nobody key id phone phone country 86 }\n' + GROUP + '}\n'
POLICY_RECORDED = HEAD + '  subject person { table public.people key id phone phone country 86 email email linked public.orders.person_id }\n' + GROUP + '}\n'
GATES = (('enforce', POLICY_MASKED, 'flush'), ('enforce-write', POLICY_RECORDED, 'write'), ('enforce-flush', POLICY_RECORDED, 'flush'))

# pgbench -S, but that the simple protocol has ten texts: all of them have been seen after the first moments of a session, also of the 32nd.
SEEN = '\\set id random(1, 10)\nSELECT abalance FROM pgbench_accounts WHERE aid = :id;\n'
MASKED = '\\set id random(1, 10)\nSELECT full_name, phone FROM people WHERE id = :id;\n'

# One client, simple protocol. A literal that differs makes a text that was never seen; a constant makes one that was seen before.
STATEMENTS = {
    'read': 'SELECT id, full_name, phone, province FROM people WHERE id = :n;',
    'list': 'SELECT o.id, o.ordered_at, o.item, o.amount, p.id, p.full_name, p.phone FROM orders o JOIN people p ON p.id = o.person_id '
            'WHERE o.person_id = :n ORDER BY o.ordered_at DESC, o.id LIMIT 20;',
    'report': "SELECT o.item, count(*), sum(o.amount), max(o.ordered_at) FROM orders o JOIN people p ON p.id = o.person_id WHERE p.province = 'Zhejiang' "
              'AND o.id BETWEEN :n AND :n + 20 GROUP BY o.item HAVING count(*) > 0 ORDER BY 2 DESC, 1 LIMIT 10;',
}


def script(statement, new):
    return '\\set n %s\n%s\n' % ('random(1, 99000)' if new else '4711', STATEMENTS[statement])
