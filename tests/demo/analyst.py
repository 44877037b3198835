"""The second act: an analyst with a login of her own, who may type any SQL. What she needs goes on working, what she should not learn is refused
with its rule, and everything is on record. Every statement is run with psql through the gate; every sentence checks what it says."""
import json
import os
import re
import subprocess
from collections import Counter

import people

# What a report needs: (what it is, SQL). Each must give what the database gives directly.
WORK = [
    ("customers by province", "SELECT province, count(*) AS customers FROM customers GROUP BY province ORDER BY customers DESC, province"),
    ("new customers a year", "SELECT extract(year FROM since)::int AS year, count(*) FROM customers GROUP BY 1 ORDER BY 1"),
    ("revenue by product and month", "SELECT o.product, to_char(o.ordered_at, 'YYYY-MM') AS month, sum(o.amount), count(DISTINCT o.customer_id) "
                                     "FROM orders o JOIN products p ON p.name = o.product GROUP BY 1, 2 ORDER BY 1, 2"),
    ("best month of each product", "SELECT product, month, total FROM (SELECT product, date_trunc('month', ordered_at) AS month, sum(amount) AS total, "
                                   "rank() OVER (PARTITION BY product ORDER BY sum(amount) DESC) AS r FROM orders GROUP BY 1, 2) s WHERE r = 1 ORDER BY 1"),
    ("orders per customer, a histogram", "WITH n AS (SELECT customer_id, count(*) AS orders FROM orders GROUP BY customer_id) "
                                         "SELECT orders, count(*) FROM n GROUP BY orders ORDER BY orders"),
    ("open tickets of customers since 2015", "SELECT t.status, count(*) FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.since >= '2015-01-01' GROUP BY t.status"),
    ("provinces with many orders", "SELECT c.province, round(avg(o.amount), 2) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.province "
                                   "HAVING count(*) > 100 ORDER BY 1"),
    ("what psql's \\d asks", "\\d orders"),
    ("what psql's \\dt asks", "\\dt"),
    ("the plan of a report", "EXPLAIN (COSTS OFF) SELECT product, sum(amount) FROM orders GROUP BY product"),
]

# Ways to get telephone numbers out: (what it is, SQL, the SQLSTATE that must come).
TRICKS = [
    ("an expression", "SELECT upper(phone) FROM customers", "42501"),
    ("digits as a number", "SELECT phone::bigint + 0 FROM customers", "42501"),
    ("the whole row as JSON", "SELECT row_to_json(c) FROM customers c", "42501"),
    ("a search by its beginning", "SELECT count(*) FROM customers WHERE phone LIKE '139%'", "42501"),
    ("two at once", "SELECT id FROM customers WHERE phone IN ('13900000001', '13900000002')", "42501"),
    ("order", "SELECT id FROM customers ORDER BY phone", "42501"),
    ("groups", "SELECT phone, count(*) FROM customers GROUP BY phone", "42501"),
    ("the greatest", "SELECT max(phone) FROM customers", "42501"),
    ("SQL inside a string", "SELECT query_to_xml('SELECT phone FROM customers', false, false, '')", "42501"),
    ("a view of her own", "CREATE TEMP VIEW v AS SELECT phone AS province FROM customers", "42501"),
    ("a function of her own", "CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql AS 'SELECT phone FROM customers'", "42501"),
    ("a cursor over an expression", ("BEGIN", "DECLARE k CURSOR FOR SELECT reverse(phone) FROM customers"), "42501"),
    ("a prepared expression", "PREPARE p AS SELECT md5(phone) FROM customers", "42501"),
    ("another name by position", "SELECT left(province, 99) FROM customers AS c(id, name, province, a, b, c)", "42501"),
    ("a union under a harmless name", "SELECT province FROM customers WHERE false UNION SELECT phone FROM customers", "42501"),
    ("an error that quotes it", "SELECT 1 / (CASE WHEN phone LIKE '139%' THEN 0 ELSE 1 END) FROM customers", "42501"),
    ("the planner's statistics", "SELECT histogram_bounds FROM pg_stats WHERE attname = 'phone'", "42501"),
    ("a plan that counts", "EXPLAIN SELECT 1 FROM customers WHERE phone < '139'", "42501"),
    ("a message to a friend", "SELECT pg_notify('friend', (SELECT phone FROM customers LIMIT 1))", "42501"),
    ("a code block", "DO $$ BEGIN RAISE NOTICE '%', (SELECT phone FROM customers LIMIT 1); END $$", "42501"),
]


def psql(demo, sql, direct=False):
    where = f"host={demo.place.sock} port=5432 dbname=shop user={people.ANALYST}" if direct else f"{demo.tls} user={people.ANALYST} channel_binding=require"
    env = {**os.environ, "PGPASSWORD": people.password_of(people.ANALYST), "PGAPPNAME": "analyst", "PGCLIENTENCODING": "UTF8", "PGOPTIONS": ""}
    return subprocess.run(["psql", "-X", "-At", "-v", "VERBOSITY=verbose", "-d", where] + [w for one in ([sql] if isinstance(sql, str) else sql) for w in ("-c", one)], capture_output=True, text=True, env=env)


def refusal(p):
    """(SQLSTATE, text, hint) of the error that psql printed."""
    m = re.search(r"ERROR:\s+([0-9A-Z]{5}): (.*)", p.stderr)
    hint = re.search(r"HINT:\s+(.*)", p.stderr)
    return (m[1], m[2], hint[1] if hint else "") if m else ("", p.stderr.strip() or p.stdout.strip()[:80], "")


def tell(t, demo):
    before = len(demo.gatehouse("ledger", "print", "--json").stdout.splitlines())
    phone = subprocess.run(["psql", "-X", "-At", "-d", demo.admin, "-c", "SELECT phone FROM customers WHERE id = 17"], capture_output=True, text=True, check=True).stdout.strip()

    row = psql(demo, "SELECT id, full_name, phone, apple_id, province FROM customers WHERE id = 17")
    card = psql(demo, "SELECT phone FROM customer_card WHERE id = 17")
    shown = row.stdout.strip().split("|")
    good = len(shown) == 5 and shown[2] == "*" * 7 + phone[-4:] and shown[3] == "" and shown[1].endswith("*")
    t.say(f"The analyst asks for customer 17: {row.stdout.strip()}; the number's last four digits are what her work needs. Through the view customer_card, which no rule "
          f"names, the answer is masked alike: {card.stdout.strip()}.", [(good, f"masked name and number, no address: {row.stdout}{row.stderr}"), (card.stdout.strip() == shown[2] if good else False, "the view is masked too")])

    differ = [what for what, sql in WORK if (lambda a, b: a.returncode or a.stdout != b.stdout)(psql(demo, sql), psql(demo, sql, direct=True))]
    t.say(f"Her reports go on working: {len(WORK)} statements of the kind that BI tools and psql send give, row for row, what the database gives directly.",
          [(not differ, f"they differ or fail: {', '.join(differ)}")])

    results = [(what, want, refusal(psql(demo, sql))) for what, sql, want in TRICKS]
    through = [f"{what}: {got}" for what, want, got in results if got[0] not in (want, "42501", "0A000")]
    ruled = [got for _, _, got in results if re.search(r"demo\.gate:\d+", got[1])]
    t.say(f"{len(TRICKS)} ways to get numbers out otherwise, from `upper(phone)` to statistics and code blocks, are refused; {len(ruled)} of them name the rule's line.",
          [(not through, f"not refused: {'; '.join(through)}"), (len(ruled) >= 8, "refusals name their rule")])
    for what, _, got in results[:1] + results[6:7] + results[9:10]:
        text = got[1].replace(str(demo.place.dir) + "/", "")
        t.say(f"{what[0].upper() + what[1:]}: \"{text}\"" + (f"; hint: {got[2]}." if got[2] else "."), [(bool(text), "it says why")])

    hit, miss = psql(demo, f"SELECT id FROM customers WHERE phone = '{phone}'"), psql(demo, "SELECT id FROM customers WHERE phone = '10000000000'")
    entries = [json.loads(line)["entry"] for line in settled(demo)[before:]]
    probes = [e.get("probe") for e in entries if e.get("probe")]
    t.say(f"A caller's whole number may be looked up, one at a time: {hit.stdout.strip() or 'nobody'} for the right one, nobody for a guess; the ledger has both probes: {', '.join(probes)}.",
          [(hit.stdout.strip() == "17" and miss.stdout.strip() == "" and miss.returncode == 0, "the look-up finds 17 and nobody"), (probes == ["hit", "miss"], "hit and miss are recorded")])

    kinds = Counter(e["kind"] for e in entries)
    masked = [e for e in entries if e.get("masked")]
    named = [e for e in masked if e.get("subjects") == "known"]
    t.say(f"Of this act the ledger has {kinds['refuse']} refusals with their reasons and {len(masked)} answers with masked columns, each with the customer whose it was, also where she did "
          "not ask for the key.", [(kinds["refuse"] >= len(TRICKS), f"each refusal is recorded, not {kinds['refuse']}"), (len(masked) >= 2 and len(named) == len(masked), "masked answers name their customers")])


def settled(demo):
    import story
    return story.Ledger.settled(demo)
