"""Every place of a statement where a value has effect, crossed with every way to reach the value: one attack for each way, a statement for each
place. Directly each single statement must leak."""
from harness.corpus import attack

# The source has columns id, open `province`, and protected full_name and phone, under the names given: FROM text, id, name, phone, province.
WAYS = {
    'the table': ('customers c', 'c.id', 'c.full_name', 'c.phone', 'c.province'),
    'column aliases': ('customers AS c(a, b, d, e, f, g, h)', 'c.a', 'c.b', 'c.d', 'c.g'),
    'a view': ('contact_card v', 'v.id', 'v.name', 'v.contact', 'v.province'),
    'a sub-select': ('(SELECT id AS i, full_name AS n, phone AS p, province AS q FROM customers OFFSET 0) s', 's.i', 's.n', 's.p', 's.q'),
    'two sub-selects and a view': ('(SELECT * FROM (SELECT id, name AS n, contact AS p, province AS q FROM contact_card) x) s', 's.id', 's.n', 's.p', 's.q'),
    'a lateral': ('customers c CROSS JOIN LATERAL (SELECT c.full_name AS n, c.phone AS p) m', 'c.id', 'm.n', 'm.p', 'c.province'),
    'a join alias': ('(customers a LEFT JOIN tickets t ON t.customer_id = a.id AND false) AS j(i, n, p, k4, k5, q)', 'j.i', 'j.n', 'j.p', 'j.q'),
    'a join using': ('customers a JOIN (SELECT id, full_name AS n2 FROM customers) b USING (id)', 'a.id', 'b.n2', 'a.phone', 'a.province'),
    'a whole row': ('(SELECT c FROM customers c OFFSET 0) s', '(s.c).id', '(s.c).full_name', '(s.c).phone', '(s.c).province'),
    'a whole row as json': ('(SELECT to_jsonb(c) AS j FROM customers c) s', "(s.j ->> 'id')::bigint", "(s.j ->> 'full_name')", "(s.j ->> 'phone')", "(s.j ->> 'province')"),
    'a set operation': ('(SELECT id, full_name AS n, phone AS p, province AS q FROM customers WHERE id % 2 = 0 UNION ALL SELECT id, full_name, phone, province FROM customers WHERE id % 2 = 1) s',
                        's.id', 's.n', 's.p', 's.q'),
    'an outer join': ('products o RIGHT JOIN customers c ON o.price < 0', 'c.id', 'c.full_name', 'c.phone', 'c.province'),
    'an array': ('(SELECT id, ARRAY[full_name, phone::text, province] AS v FROM customers) s', 's.id', 's.v[1]', 's.v[2]', 's.v[3]'),
    'a row value': ('(SELECT id, ROW(full_name, phone)::card AS v, province AS q FROM customers) s', 's.id', '(s.v).a', '(s.v).b', 's.q'),
    'functional notation': ('customers c', 'id(c)', 'full_name(c)', 'phone(c)', 'province(c)'),
    'a group with its key': ('(SELECT id, full_name AS n, phone AS p, province AS q FROM customers GROUP BY id, full_name, phone, province) s', 's.id', 's.n', 's.p', 's.q'),
    'a window behind': ('(SELECT id, full_name AS n, phone AS p, province AS q, row_number() OVER (ORDER BY id) AS r FROM customers) s', 's.id', 's.n', 's.p', 's.q'),
    'a function in from': ("find_customers('ON') c", 'c.id', 'c.full_name', 'c.phone', 'c.province'),
}
PLACES = [
    "SELECT {id}, {n} || '' FROM {s} ORDER BY 1 LIMIT 20",
    "SELECT {id}, {n} LIKE 'M%' FROM {s} ORDER BY 1",
    "SELECT {id} FROM {s} WHERE {n} LIKE 'M%' ORDER BY 1",
    "SELECT {id} FROM {s} WHERE {p} < '+1-605' AND {n} > 'A' ORDER BY 1",
    "SELECT {id} FROM {s} WHERE {q} <> 'XX' AND ({p} LIKE '+1-5%' OR {id} < 3) ORDER BY 1",
    "SELECT {id} FROM {s} ORDER BY {n}, {id}",
    "SELECT {id} FROM {s} ORDER BY CASE WHEN {p} > '+1-6' THEN 1 ELSE 0 END, {id}",
    "SELECT count(*) FROM {s} GROUP BY {n} ORDER BY 1",
    "SELECT {q}, count(*) FROM {s} GROUP BY {q}, left({n}, 1) ORDER BY 1, 2",
    "SELECT {q} FROM {s} GROUP BY {q} HAVING sum(length({n})) % 3 = 1 ORDER BY 1",
    "SELECT {q}, max({p}), min({n}), count(DISTINCT {n}) FROM {s} GROUP BY {q} ORDER BY 1",
    "SELECT {q}, count(*) FILTER (WHERE {n} LIKE 'A%') FROM {s} GROUP BY {q} ORDER BY 1",
    "SELECT {q}, array_agg({id} ORDER BY {p}, {id}) FROM {s} GROUP BY {q} ORDER BY 1",
    "SELECT {id}, rank() OVER (PARTITION BY {q} ORDER BY {n}) FROM {s} ORDER BY 1",
    "SELECT {id}, lag({n}) OVER (ORDER BY {id}) FROM {s} ORDER BY 1 LIMIT 9",
    "SELECT DISTINCT ON ({q}) {q}, {id} FROM {s} ORDER BY {q}, {n}, {id}",
    "SELECT count(*) FROM (SELECT DISTINCT {n} AS x, {q} FROM {s}) z",
    "SELECT {id} FROM {s} WHERE {n} IN (SELECT 'Mary ' || w FROM unnest(ARRAY['Major', 'Doe', 'Ng', 'Ruiz', 'Chen']) w) ORDER BY 1",
    "SELECT t.id, t.note FROM tickets t WHERE t.customer_id IN (SELECT {id} FROM {s} WHERE {p} > '+1-6') ORDER BY 1",
    "SELECT t.id FROM tickets t JOIN {s} ON {id} = t.customer_id AND {n} LIKE '%o%' ORDER BY 1",
    "SELECT count(*) FROM (SELECT {n} AS x FROM {s} EXCEPT SELECT 'Mary Major') z",
    "SELECT p.name FROM products p, generate_series(1, 30) g ORDER BY g, 1 LIMIT (SELECT sum(length({n})) % 100 FROM {s})",
    "SELECT ARRAY(SELECT {n} FROM {s} ORDER BY {id})",
    "SELECT (SELECT string_agg({p}, ',' ORDER BY {id}) FROM {s})",
    "SELECT row_to_json(z) FROM (SELECT {id} AS i, {n} AS x FROM {s}) z ORDER BY z.i LIMIT 9",
    "SELECT z FROM (SELECT {id} AS i, {p} AS x FROM {s}) z ORDER BY z.i LIMIT 9",
    "WITH w AS (SELECT {id} AS i, {n} AS x FROM {s}) SELECT a.i, count(*) FROM w a JOIN w b ON a.x = b.x GROUP BY a.i ORDER BY 1",
    "WITH RECURSIVE w(i, x) AS (SELECT {id}, {q}::text FROM {s} UNION ALL SELECT {id} + 1000, {n}::text FROM w, {s} WHERE w.i = {id} AND w.i < 50) SELECT x FROM w ORDER BY i",
    "SELECT {q} AS v FROM {s} WHERE {id} < 9 UNION ALL SELECT {n} FROM {s} WHERE {id} < 9",
    "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT {id} FROM {s} WHERE {n} LIKE 'M%'",
    "UPDATE tickets SET state = 'closed' WHERE customer_id IN (SELECT {id} FROM {s} WHERE {n} > 'M')",
    "SELECT {id}, l.x FROM {s}, LATERAL (SELECT count(*) AS x FROM generate_series(1, length({n}))) l ORDER BY 1",
    "SELECT {id}, {n} = lag({n}) OVER (ORDER BY {id}) FROM {s} ORDER BY 1",
    "SELECT {id}, xmlelement(name x, {n}) FROM {s} ORDER BY 1 LIMIT 9",
    "SELECT {id}, greatest({n}, ''), nullif({p}, ''), coalesce({n}, {p}) FROM {s} ORDER BY 1 LIMIT 9",
]


def way(name, source, key, full_name, phone, province):
    @attack('grid', name, each=True)
    def run(s):
        for place in PLACES:
            s.q(place.format(s=source, id=key, n=full_name, p=phone, q=province))


for name, words in WAYS.items():
    way(name, *words)
