#!/usr/bin/python3
"""Random statements against the gate: does anything that is observed depend on a protected value?

    tests/bypass/random_sql.py [--binary PATH] [--seed N] [--count N] [--user mira] [--show]

A seeded generator writes SQL that likes to name protected columns in odd places. Each statement runs in the same state on database A and on B, which
differ only in protected values (fixture.sql); all that comes back must be the same, apart from what differs between A and its copy A2 as well. No value of a
protected column of A may stand in what the gate says on A, and each answer with masked columns must be in the ledger with its subjects' keys.
Prints each difference with its statement, shortened while it still differs; the last line is `N passed, N failed`. At least a quarter of the
statements must have been accepted, or the run counts as failed: it would have tested the parser. GATEHOUSE_E2E_PORTS: the first of the ports used (8000).

run.py calls short() for a run of some seconds on its own databases."""
import argparse
import os
import random
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'e2e')]
sys.dont_write_bytecode = True

from harness import judge, scene, stand  # noqa: E402
from lib import pgwire  # noqa: E402
from lib.marks import Marker  # noqa: E402

# name: type, or type and * for a column that is masked, hidden or in no rule
TABLES = {
    'customers': {'id': 'int', 'full_name': 'text*', 'phone': 'text*', 'apple_id': 'text*', 'address': 'text*', 'province': 'text', 'created_at': 'time'},
    'orders': {'id': 'int', 'customer_id': 'int', 'item': 'text', 'amount': 'num', 'ordered_at': 'time', 'remark': 'text*'},
    'devices': {'serial': 'text*', 'customer_id': 'int', 'model': 'text'},
    'calls': {'id': 'int', 'customer_id': 'int', 'number': 'text*', 'called_on': 'time'},
    'products': {'name': 'text', 'price': 'num', 'tags': 'arr', 'spec': 'json'},
    'visits': {'id': 'int', 'region': 'text', 'remark': 'text', 'amount': 'int'},
    'tickets': {'id': 'int', 'customer_id': 'int', 'note': 'text', 'state': 'text', 'opened_at': 'time'},
    'customers_public': {'id': 'int', 'phone_masked': 'text*', 'province': 'text'},
    'contact_card': {'id': 'int', 'name': 'text*', 'contact': 'text*', 'mail': 'text*', 'province': 'text'},
    'order_list': {'id': 'int', 'item': 'text', 'amount': 'num', 'province': 'text'},
}
OFTEN = ['customers'] * 8 + ['orders'] * 3 + ['devices', 'devices', 'calls', 'calls', 'tickets', 'products', 'visits', 'contact_card', 'contact_card', 'order_list', 'customers_public']
ALLOWED = {'sam': ('customers', 'orders', 'tickets', 'contact_card', 'order_list')}  # has rules on fewer
RARELY = ['staff_notes', 'vault', 'customers_copy', 'calls_2024', 'far_customers', 'pg_stats', 'pg_class', 'pg_stat_activity']
CONSTANT = {'int': ['7', '42', '3', '0', '-1', '200', 'NULL::int'], 'text': ["'BC'", "'ON'", "'x'", "''", "'item 3'", "'%7%'", "NULL::text"], 'num': ['1.25', '0', '50.5'],
            'time': ["'2024-06-01'::timestamptz", "'2025-01-01Z'::timestamptz"], 'arr': ["ARRAY['t1','all']", "'{}'::text[]"], 'json': ["'{\"size\": 3}'::jsonb"], 'bool': ['true', 'false', 'NULL::bool']}
TEXT1 = ['upper(%s)', 'lower(%s)', 'reverse(%s)', 'md5(%s)', '%s::text', '%s::varchar', '%s::varchar(3)', '(%s COLLATE "C")', 'left(%s, 3)', 'right(%s, 2)', "coalesce(%s, 'x')", "nullif(%s, 'x')", '%s || \'\'',
         "translate(%s, '0123', 'abcd')", "encode(convert_to(%s, 'UTF8'), 'hex')", "format('%%s', %s)", 'concat(%s)', "split_part(%s, '-', 2)", '(ARRAY[%s])[1]', '(SELECT %s)', "greatest(%s, '')", 'quote_literal(%s)',
         '%s::char(40)::text', '(ROW(%s)).f1', "CASE WHEN true THEN %s END", "json_build_object('a', %s) ->> 'a'", 'to_json(%s)::text', '%s::bpchar', "(xmlelement(name a, %s))::text", "substr(%s, 1)", '%s::name::text', '%s::citext::text']
INT1 = ['%s + 1', 'abs(%s)', '%s::bigint', 'coalesce(%s, 0)', '-%s', '%s %% 7', '(%s)']
AGGREGATES = ['max(%s)', 'min(%s)', 'count(%s)', 'count(DISTINCT %s)', "array_to_string(array_agg(%s), ',')", 'json_agg(%s)::text', "string_agg(%s::text, ',')", 'mode() WITHIN GROUP (ORDER BY %s)',
              'percentile_disc(0.5) WITHIN GROUP (ORDER BY %s)', "count(*) FILTER (WHERE %s IS NOT NULL)", 'count(*)']
WINDOWS = ['row_number() OVER (ORDER BY %s)', 'rank() OVER (PARTITION BY %s ORDER BY 1)', 'first_value(%s) OVER ()', 'lag(%s) OVER (ORDER BY 1)', 'count(*) OVER (PARTITION BY %s)', 'ntile(4) OVER w',
           'count(*) OVER (ORDER BY %s RANGE UNBOUNDED PRECEDING)']
TESTS = ["%s = 'x'", "%s LIKE '%%1%%'", "%s IS NULL", "%s IS NOT NULL", "%s ~ '[0-5]$'", "%s > 'm'", "%s IN ('x', 'y')", "%s = ANY (ARRAY['x'])", "%s BETWEEN 'a' AND 'm'", "%s IS DISTINCT FROM 'x'", "length(%s) > 12",
         "(%s, 1) > ('h', 0)", "%s SIMILAR TO '%%(1|2)%%'", "starts_with(%s, '+')", "similarity(%s, 'Mary') > 0.2", "%s % 'Mary'", "1 / length(%s) > 0", "%s::int > 0", "%s = (SELECT max(phone) FROM customers)"]
# Shapes of protected values of the fixture; nothing that is open looks so.
SHAPES = re.compile(rb'\+1-(605|416|604|514)-\d{4}|\+1-\d{3}-00\d\d|[a-j][0-9a-z]{6}@example|\d+ (Elm St|Long Meadow|High Street|Rue de la|Bay)|SN[0-9A-F]{8}|gift for |note about |secret [0-9a-f]'
                    rb'|(Mary|John|Ada|Christopher|Li|Alexandra|Max|Wolfgang) (Major|Doe|Lovelace|Ng|Featherstonehaugh|Ruiz|Chen|Okafor)')


class Source:
    """Something in FROM: a name to write in front of a column, and its columns."""

    def __init__(self, alias, columns):
        self.alias, self.columns = alias, columns


class Generator:
    def __init__(self, seed, user='mira'):
        self.r, self.n, self.ctes = random.Random(seed), 0, []
        self.often = [t for t in OFTEN if t in ALLOWED.get(user, OFTEN)]

    def pick(self, *words):
        return self.r.choice(words[0] if len(words) == 1 else words)

    def chance(self, p):
        return self.r.random() < p

    def name(self, prefix='t'):
        self.n += 1
        return '%s%d' % (prefix, self.n) if self.chance(0.95) else '"%s %d"' % (prefix, self.n)

    # -- expressions

    def column(self, sources, kind=None, secret=None):
        """A column as text and its type; None: there is none of the kind."""
        all_of = [(s, n, t) for s in sources for n, t in s.columns.items() if (kind is None or t.rstrip('*') == kind) and (secret is None or t.endswith('*') == secret)]
        if not all_of:
            return None
        s, n, t = self.pick(all_of)
        return ('%s.%s' % (s.alias, n) if s.alias and self.chance(0.9) else n), t

    def odd(self):
        """Shall a protected column stand in the next odd place?"""
        return self.chance(self.wild)

    def value(self, sources, kind='text', depth=2):
        """An expression of about this type."""
        c = self.column(sources, kind, True if self.odd() else False)
        base = c[0] if c and self.chance(0.85) else self.pick(CONSTANT.get(kind, CONSTANT['text']))
        while depth > 0 and self.chance(0.4):
            base = (self.pick(TEXT1) if kind == 'text' else self.pick(INT1) if kind == 'int' else '(%s)').replace('%s', base).replace('%%', '%')
            depth -= 1
        if self.chance(0.04) and self.depth < 3:
            base = '(%s)' % self.query(1, sources, [kind])[0]
        return base

    def test(self, sources, depth=2):
        way = self.r.random()
        if depth and way < 0.15:
            return '(%s %s %s)' % (self.test(sources, depth - 1), self.pick('AND', 'OR'), self.test(sources, depth - 1))
        if way < 0.2:
            return 'NOT ' + self.test(sources, 0)
        if way < 0.28 and self.depth < 3:
            return '%sEXISTS (%s)' % (self.pick('', 'NOT '), self.query(None, sources)[0])
        if way < 0.35 and self.depth < 3:
            return '%s IN (%s)' % (self.value(sources), self.query(1, sources, ['text'])[0])
        if way < 0.4:
            s = self.pick(sources)
            return self.pick(['%s IS NULL', '%s::text LIKE \'%%1%%\'', '%s = %s', 'to_jsonb(%s) ? \'phone\'', "%s > ROW(1)"]).replace('%s', s.alias or '1').replace('%%', '%')
        if way < 0.65:
            return self.pick(TESTS).replace('%s', self.value(sources)).replace('%%', '%')
        return '%s %s %s' % (self.value(sources, 'int'), self.pick('=', '<', '>', '<>', '<='), self.value(sources, 'int'))

    def item(self, sources):
        """One entry of a select list, with the type that it has."""
        way = self.r.random()
        if way < 0.5:
            c = self.column(sources) or ('1', 'int')
            return c
        if way < 0.72:
            k = self.pick('text', 'text', 'int')
            return self.value(sources, k), k
        if way < 0.78 and self.odd():
            return self.pick(WINDOWS).replace('%s', self.value(sources, self.pick('int', 'text'), 0)), 'int'
        if way < 0.82 and self.odd():
            s = self.pick(sources)
            return self.pick('%s', '%s::text', 'row_to_json(%s)', '%s.*', '(%s).phone', '%s.row_to_json', 'to_jsonb(%s)', '(%s).*', 'jsonb_each_text(to_jsonb(%s))', 'concat(%s)', 'phone(%s)', 'array_agg(%s)').replace('%s', s.alias or '1'), 'text'
        if way < 0.86:
            return 'CASE WHEN %s THEN %s ELSE %s END' % (self.test(sources, 1), self.value(sources), self.value(sources)), 'text'
        if way < 0.9:
            return self.pick('generate_series(1, 2)', 'now() IS NULL', "unnest(ARRAY['a','b'])", 'regexp_matches(%s, \'.\', \'g\')' % self.value(sources), 'customer_province(%s)' % self.value(sources, 'int', 0)), 'text'
        return self.value(sources, 'int'), 'int'

    # -- FROM

    def relation(self, sources):
        """(text, source) of one FROM item."""
        way, alias = self.r.random(), self.name()
        if self.ctes and way < 0.25:
            n, columns = self.pick(self.ctes)
            return '%s AS %s' % (n, alias), Source(alias, columns)
        if way < 0.68 or self.depth >= 3:
            t = self.pick(self.often) if not self.odd() or self.chance(0.8) else self.pick(RARELY)
            columns = TABLES.get(t, {'id': 'int', 'phone': 'text*', 'body': 'text*'})
            if self.chance(0.12) and len(columns) > 1:  # another name for each column
                kinds, names = list(columns.values()), list(columns)
                self.r.shuffle(names)
                return '%s AS %s(%s)' % (t, alias, ', '.join(names)), Source(alias, dict(zip(names, kinds)))
            sample = ' TABLESAMPLE %s (%s)' % (self.pick('bernoulli', 'system'), self.pick('50', '100', self.value(sources, 'int'))) if self.odd() and self.chance(0.08) else ''
            return '%s%s AS %s%s' % (self.pick('', '', 'public.') if t in TABLES else '', t, alias, sample), Source(alias, columns)
        if way < 0.86:
            lateral = bool(sources) and self.chance(0.4)
            sql, columns = self.query(None, sources if lateral else [])
            return '%s(%s) AS %s' % ('LATERAL ' if lateral else '', sql, alias), Source(alias, columns)
        if way < 0.9:
            return '(VALUES (%s, %s), (2, \'b\')) AS %s(a, b)' % (self.value(sources if self.odd() else [], 'int', 0), self.value(sources if self.odd() else [], 'text', 0), alias), Source(alias, {'a': 'int', 'b': 'text'})
        inner = sources if self.odd() else []
        return self.function(inner, alias)

    def function(self, inner, alias):
        sql, columns = self.pick([
            ('generate_series(1, %s) AS %s(a)' % (self.pick('2', '3', self.value(inner, 'int', 0)), alias), {'a': 'int'}),
            ("unnest(ARRAY[%s, 'b']) WITH ORDINALITY AS %s(a, b)" % (self.value(inner, 'text', 0), alias), {'a': 'text', 'b': 'int'}),
            ('ROWS FROM (generate_series(1, 2), unnest(ARRAY[%s])) AS %s(a, b)' % (self.value(inner, 'text', 0), alias), {'a': 'int', 'b': 'text'}),
            ("find_customers('BC') AS %s" % alias, TABLES['customers']),
            ("XMLTABLE('/a/b' PASSING xmlparse(document '<a><b>1</b></a>') COLUMNS a int PATH '.', b text PATH '.' DEFAULT %s) AS %s" % (self.value(inner, 'text', 0), alias), {'a': 'int', 'b': 'text'}),
            ("jsonb_to_recordset('[{\"a\": 1, \"b\": \"x\"}]') AS %s(a int, b text)" % alias, {'a': 'int', 'b': 'text'}),
            ("jsonb_each_text(jsonb_build_object('k', %s)) AS %s(a, b)" % (self.value(inner, 'text', 0), alias), {'a': 'text', 'b': 'text'}),
            ("regexp_split_to_table(%s, '-') AS %s(a)" % (self.value(inner, 'text', 0), alias), {'a': 'text'})])
        return sql, Source(alias, columns)

    def sources(self, outer):
        sql, one = self.relation(outer)
        out = [one]
        while self.chance(0.3) and len(out) < 3:
            more, s = self.relation(outer + out)
            both = [c for c in s.columns if c in one.columns]
            way = self.r.random()
            if way < 0.12:
                sql += ', ' + more
            elif way < 0.4 and both:
                sql += ' %sJOIN %s USING (%s)' % (self.pick('', 'LEFT ', 'RIGHT ', 'FULL '), more, self.pick([c for c in both if not one.columns[c].endswith('*')] or both) if not self.odd() else self.pick(both))
                if self.chance(0.2):
                    sql += ' AS ' + self.name('j')
            elif way < 0.47:
                sql += ' NATURAL %sJOIN %s' % (self.pick('', 'LEFT '), more)
            elif way < 0.49:
                sql += ' CROSS JOIN ' + more
            else:
                keys = [self.column([x], 'int', False) for x in (one, s)]
                on = '%s = %s' % (keys[0][0], keys[1][0]) if all(keys) and self.chance(0.85) else self.test(outer + out + [s], 1)
                sql += ' %sJOIN %s ON %s' % (self.pick('', '', 'LEFT ', 'RIGHT ', 'FULL '), more, on)
            out.append(s)
        return sql, out

    # -- queries

    def query(self, width=None, outer=(), kinds=None):
        """(text, columns): of so many columns, of these types."""
        self.depth += 1
        try:
            way = self.r.random()
            if way < 0.1 and self.depth < 3:
                w = width or 2
                kinds = kinds or ['text'] * w
                a, columns = self.select(w, outer, kinds)
                b, _ = self.select(w, outer, kinds)
                op = self.pick('UNION ALL', 'UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT')
                return '%s %s %s' % (a, op, b), {n: ('text*' if op != 'UNION ALL' else t) for n, t in columns.items()}
            return self.select(width, outer, kinds)
        finally:
            self.depth -= 1

    def select(self, width, outer, kinds=None):
        sql, sources = self.sources(list(outer))
        seen = sources + (list(outer) if self.chance(0.3) else [])
        grouped = self.chance(0.15)
        items, columns, group = [], {}, []
        for i in range(width or self.r.randint(1, 4)):
            if grouped:
                c = self.column(sources, None, None if self.odd() else False) or ('1', 'int')
                if self.chance(0.6):
                    text, kind = c
                    group.append(text)
                else:
                    text, kind = self.pick(AGGREGATES).replace('%s', c[0]), 'text'
            elif kinds:
                c = self.column(sources, kinds[i])
                text, kind = c if c and self.chance(0.7) else (self.value(seen, kinds[i]), kinds[i])
            else:
                text, kind = self.item(seen)
            n = self.pick('c%d' % i, 'phone', 'id', 'province', 'c%d' % i)
            if n in columns:
                n = 'c%d' % i
            columns[n] = kind
            items.append('%s AS %s' % (text, n) if not text.endswith('*') else text)
        distinct, ordered = '', False
        if self.chance(0.07):
            distinct = 'DISTINCT ' if self.chance(0.7) else 'DISTINCT ON (%s) ' % self.value(sources, 'text', 0)
        if self.depth == 1 and self.chance(0.12):
            items = ['*']
        out = 'SELECT %s%s FROM %s' % (distinct, ', '.join(items), sql)
        if self.chance(0.5):
            out += ' WHERE ' + self.test(seen)
        if grouped and group:
            out += ' GROUP BY ' + (', '.join(group) if self.chance(0.8) else '%s (%s)' % (self.pick('ROLLUP', 'CUBE', 'GROUPING SETS'), ', '.join(group)))
            if self.chance(0.2):
                out += ' HAVING ' + self.test(sources, 0)
        if 'OVER w' in out:
            out += ' WINDOW w AS (ORDER BY %s)' % self.value(sources, 'int', 0)
        if self.chance(0.4):
            ordered = True
            out += ' ORDER BY ' + self.pick('1', '1', '1, 2', self.value(sources, 'int', 0), self.value(sources, 'text', 1), list(columns)[0])
        if self.chance(0.5 if self.depth == 1 else 0.25):
            out += ' LIMIT %s' % self.pick('3', '1', '10', '20', '(SELECT 2)', '(SELECT length(phone) FROM customers WHERE id = 7)' if self.odd() else '5')
        if self.chance(0.08):
            out += ' OFFSET %s' % self.pick('0', '1')
        if self.odd() and self.chance(0.03):
            out += self.pick(' FOR UPDATE', ' FOR SHARE')
        return ('(%s)' % out if ordered or self.depth > 1 else out) if self.depth > 1 else out, columns

    def with_query(self):
        self.ctes = []
        parts = []
        recursive = ''
        for _ in range(self.r.choice((0, 0, 0, 0, 1, 1, 2))):
            n = self.name('w')
            if self.chance(0.2):
                recursive = 'RECURSIVE '
                first, columns = self.select(2, [], ['int', 'text'])
                second = 'SELECT %s + 1, %s FROM %s r, customers x WHERE r.a < 3 AND x.id = 7' % ('r.a', self.pick('r.b', 'x.province', 'x.phone', 'r.b || x.phone'), n)
                tail = self.pick('', '', ' SEARCH DEPTH FIRST BY %s SET o' % self.pick('a', 'b'), ' CYCLE %s SET hit USING pth' % self.pick('a', 'b'))
                parts.append('%s(a, b) AS (%s UNION ALL %s)%s' % (n, first, second, tail))
                columns = {'a': 'int', 'b': 'text*'}
            else:
                sql, columns = self.query()
                parts.append('%s AS %s(%s)' % (n, self.pick('', '', 'MATERIALIZED ', 'NOT MATERIALIZED '), sql))
            self.ctes.append((n, columns))
        sql, columns = self.query()
        self.ctes = []
        return ('WITH %s%s %s' % (recursive, ', '.join(parts), sql) if parts else sql), columns

    def write(self):
        s = [Source('', TABLES['tickets'])]
        reads = self.pick('7', "'x'", 'id', 'note', "note || 'x'", '(SELECT 1)', '(SELECT max(phone) FROM customers)' if self.odd() else "upper(note)", 'customer_id')
        text = reads if reads in ("'x'", 'note', "note || 'x'", 'upper(note)') else '(%s)::text' % reads
        returning = self.pick('', '', ' RETURNING id, note', ' RETURNING *', ' RETURNING tickets', ' RETURNING upper(note) AS n', ' RETURNING (SELECT phone FROM customers LIMIT 1)' if self.odd() else '')
        return self.pick([
            'UPDATE tickets SET note = %s WHERE %s%s' % (text, self.test(s, 1), returning),
            "UPDATE tickets SET state = 'closed' WHERE id = 7" + returning,
            'UPDATE tickets SET note = c.%s FROM customers c WHERE c.id = customer_id%s' % (self.pick('phone', 'province'), returning),
            'DELETE FROM tickets WHERE %s%s' % (self.test(s, 1), returning),
            'DELETE FROM tickets USING customers c WHERE c.id = customer_id AND %s%s' % (self.test([Source('c', TABLES['customers'])], 1), returning),
            "INSERT INTO tickets (id, customer_id, note) VALUES (9001, 7, 'n'), (%s, 8, %s) ON CONFLICT %s%s" % (
                self.pick('9002', '7'), self.pick("'m'", "upper('m')"), self.pick('DO NOTHING', '(id) DO UPDATE SET note = excluded.note', "(id) DO UPDATE SET note = tickets.note || 'x' WHERE tickets.id > 3"), returning),
            "INSERT INTO tickets (id, customer_id, note) SELECT 9003, id, %s FROM %s LIMIT 1%s" % (self.pick("'x'", 'phone'), self.pick('customers', 'generate_series(1, 3) id'), returning),
            "INSERT INTO tickets (id, customer_id, note) VALUES (9004, %s, 'x')%s" % (self.pick('7', '100000', '(SELECT id FROM customers WHERE phone LIKE \'%5\' LIMIT 1)'), returning),
            "WITH u AS (UPDATE tickets SET note = 'x' WHERE id = 7 RETURNING *) SELECT * FROM u",
            "UPDATE customers SET %s = 'x' WHERE id = 7" % self.pick('province', 'phone')])

    def statement(self):
        """(way, text)."""
        self.depth, self.n, self.ctes = 0, 0, []
        self.wild = self.pick(0.0, 0.0, 0.0, 0.0, 0.04, 0.3)
        way = self.pick('simple', 'simple', 'simple', 'extended', 'extended', 'binary', 'binary', 'pieces', 'prepare', 'cursor', 'copy', 'copy', 'explain', 'write', 'portals', 'exec')
        return way, self.write() if way == 'write' else self.with_query()[0]


# -- running

def run(s, way, sql, n):
    """Runs it in the session s of one side and returns the messages; the session is idle again afterwards."""
    q = s.q
    if way == 'simple':
        out = q(sql)
    elif way == 'extended':
        out = s.x(sql)
    elif way == 'binary':
        out = s.x(sql, rformats=(1,))
    elif way == 'pieces':
        out = s.ask(pgwire.parse(sql), pgwire.bind(rformats=(n % 2,)), pgwire.execute(rows=2), pgwire.execute(rows=1), pgwire.describe(), pgwire.execute())
    elif way == 'prepare':
        out = q('PREPARE r AS ' + sql) + q('EXECUTE r') + s.x('EXECUTE r') + q('DEALLOCATE r')
    elif way == 'exec':  # twice by the same name, and another one between
        out = s.ask(pgwire.parse(sql, 's'), pgwire.parse('SELECT province, id FROM customers', 't')) + s.ask(pgwire.bind(name='s'), pgwire.execute(rows=3), pgwire.bind(name='t', portal='k'), pgwire.execute('k', 2), pgwire.execute())
        out += s.ask(pgwire.bind(name='s', rformats=(1,)), pgwire.execute(), pgwire.close('S', 's'), pgwire.close('S', 't'))
    elif way == 'cursor':
        out = q('BEGIN') + q('DECLARE k %sCURSOR FOR %s' % ('BINARY ' if n % 3 == 0 else '', sql)) + q('FETCH 2 FROM k') + s.x('FETCH 3 FROM k') + q('MOVE 1 IN k') + s.ask(pgwire.execute('k', 2)) + q('FETCH ALL FROM k')
    elif way == 'copy':
        out = q('COPY (%s) TO STDOUT%s' % (sql, ('', ' (FORMAT csv, HEADER)', ' (FORMAT binary)', " (DELIMITER '|', NULL 'no')")[n % 4]))
    elif way == 'explain':
        out = q('EXPLAIN %s%s' % (('', '(COSTS off) ', '(FORMAT json) ')[n % 3], sql))
    elif way == 'portals':
        out = q('BEGIN') + s.ask(pgwire.parse(sql, 'a'), pgwire.bind(name='a', portal='p1'), pgwire.bind(name='a', portal='p2', rformats=(1,)), pgwire.execute('p1', 1), pgwire.execute('p2', 2), pgwire.execute('p1', 1))
        out += s.ask(pgwire.execute('p2'), pgwire.execute('p1'), pgwire.close('S', 'a'))
    else:
        out = q('BEGIN') + s.x(sql) + q(sql) + q('SELECT id, note, state FROM tickets WHERE id IN (3, 7, 9001, 9002, 9003) ORDER BY id')
    if not s.over and out and out[-1] != (b'Z', b'I'):
        out += q('ROLLBACK')
    return out


class Run:
    def __init__(self, sides, user='mira', seed=1, show=False):
        self.sides, self.user, self.show = sides, user, show
        self.generator = Generator(seed, user)
        self.accepted = self.refused = self.noisy = self.different = 0
        self.faults, self.n = [], 0
        self.scenes, self.applications, self.keys = None, [], {}

    def open(self):
        self.scenes = []
        self.applications.append('random-%d' % len(self.applications))
        for side in self.sides:
            c = scene.Scene(side, self.user)
            c.application = self.applications[-1]
            c.q("SET statement_timeout = '1s'")
            self.scenes.append(c)

    def close(self):
        for c in self.scenes or ():
            c.done(False)
        self.scenes = None

    def fault(self, text):
        self.faults.append(text)
        print('not ok ' + ' '.join(text.split())[:1500], flush=True)

    def tokens(self, i, way, sql, n):
        """What side i shows; the messages of it."""
        c = self.scenes[i]
        del c.tokens[:]
        out = run(c.main, way, sql, n)
        return list(c.tokens), out

    def differ(self, way, sql, n):
        (a, out), (b, _) = self.tokens(0, way, sql, n), self.tokens(1, way, sql, n)
        if way == 'write' or a != b:
            a2 = self.tokens(2, way, sql, n)[0]
            if a != b:
                return judge.compare(a, b, a2), out
        return ([], 0), out

    def one(self):
        n = self.n = self.n + 1
        if n % 250 == 1:
            self.close()
            self.open()
        way, sql = self.generator.statement()
        (differ, loud), out = self.differ(way, sql, n)
        if any('C57014' in t for c in self.scenes for t in c.tokens):
            return  # how long it took is each side's own
        self.look(way, sql, out)
        if self.show:
            print('# %s: %s %s' % (way, sql, [pgwire.error_fields(b).get('M') for k, b in out if k == b'E'][:1]))
        if loud is None or loud:
            self.noisy += 1
        if any(c.main.over for c in self.scenes):
            self.fault('a session ended: %s: %s: %s' % (way, sql, self.scenes[0].tokens[-4:]))
            self.close()
            self.open()
        elif differ:
            self.different += 1
            short = self.shorten(way, sql, n) if len(self.faults) < 20 else sql
            self.fault('%s: %s: %s' % (way, short, differ[0]))

    def look(self, way, sql, out):
        """Counts, clear values, and the keys that the ledger must name."""
        errors = [1 for k, _ in out if k == b'E']
        self.accepted, self.refused = self.accepted + (not errors), self.refused + bool(errors)
        blob = b'\n'.join(body for kind, body in out if kind in b'DdENTSCAt')
        found = SHAPES.search(blob)
        if found and not SHAPES.search(sql.encode()):
            self.fault('clear value %r: %s: %s' % (found.group(), way, sql))
        names = []
        for kind, body in out:
            if kind == b'T':
                names = scene.columns(body)
            elif kind == b'D' and names and way not in ('cursor', 'exec', 'portals', 'pieces', 'prepare', 'write'):
                row = pgwire.data_row(body)
                for (_, origin, rest), v in zip(names, row):
                    if v is not None and origin == (self.customers, 1) and rest[0] == 20 and len(row) == len(names):
                        key = v.decode() if rest[3] == 0 else str(int.from_bytes(v, 'big', signed=True))
                        self.keys.setdefault(self.applications[-1], set()).add(key)

    def shorten(self, way, sql, n, tries=60):
        """Leaves words out while it still differs."""
        words = re.findall(r"\s+|'[^']*'|\w+|[^\w\s]", sql)
        size = max(len(words) // 2, 1)
        while size and tries > 0:
            at = 0
            while at < len(words) and tries > 0:
                less = words[:at] + words[at + size:]
                tries -= 1
                if any(c.main.over for c in self.scenes):
                    return ''.join(words)
                if self.differ(way, ''.join(less), n)[0][0]:
                    words = less
                else:
                    at += size
            size //= 2
        return ''.join(words)

    def ledger(self):
        """The entries of A's sessions: keys of all rows that showed one; each answer with masked columns says whose it was."""
        gate = self.sides[0].gate
        if not gate:
            return
        marker = Marker(gate.folder + '/mark.keys')
        found = gate.session_entries(*self.applications)
        for application, entries in found.items():
            entries = [e for e in entries if e.get('kind') in ('read', 'write')]
            epochs = {e['epoch'] for e in entries if 'epoch' in e}
            seen = marker.seen(entries, 'customer.key')
            missing = [k for k in self.keys.get(application, ()) if not any(marker.mark(epoch, 'customer.key', k) in seen for epoch in epochs)]
            if missing:
                self.fault('%s: keys delivered and not in the ledger: %s' % (application, missing[:5]))
            for e in entries:
                if e.get('masked') and e.get('rows') and any(not m.endswith(' hide') and 'hidden' not in m for m in e['masked']) and e.get('subjects') != 'known':
                    self.fault('%s: masked columns of unknown subjects: %.300s' % (application, e))

    def all(self, count=None, seconds=None):
        admin = scene.administrator(self.sides[0])
        self.customers = int(admin.rows("SELECT 'public.customers'::regclass::oid::int")[0][0])
        admin.close()
        end = time.monotonic() + (seconds or 1e9)
        while (count is None or self.n < count) and time.monotonic() < end:
            self.one()
        self.close()
        self.ledger()
        if self.n >= 100 and self.accepted * 4 < self.n:
            self.fault('only %d of %d statements were accepted: this tests nothing' % (self.accepted, self.n))
        return self.faults

    def words(self):
        return '%d statements, %d accepted, %d refused, %d noisy, %d different' % (self.n, self.accepted, self.refused, self.noisy, self.different)


def short(sides, tap, seconds=10, seed=1):
    """For run.py: some seconds of it."""
    for user in ('mira',):
        r = Run(sides, user, seed)
        faults = r.all(seconds=seconds)
        tap.result('random statements of %s, seed %d' % (user, seed), faults, r.words())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--binary'), p.add_argument('--seed', type=int, default=1), p.add_argument('--count', type=int, default=5000)
    p.add_argument('--user', default='mira', choices=('mira', 'noor', 'sam')), p.add_argument('--show', action='store_true'), p.add_argument('--keep', action='store_true')
    args = p.parse_args()
    args.direct, args.dsn_a = False, None
    root = os.path.dirname(os.path.dirname(HERE))
    args.binary = os.path.abspath(args.binary or os.path.join(root, 'build/src/gatehouse'))
    faults, place, start = ['it did not run'], stand.Stand(args), time.monotonic()
    with place:
        r = Run(place.sides, args.user, args.seed, args.show)
        faults = r.all(args.count)
        faults = faults + place.stop_gates()
    for f in faults[len(r.faults):]:
        print('not ok ' + f)
    print('# seed %d: %s; %.0f s' % (args.seed, r.words(), time.monotonic() - start))
    if not faults and not args.keep:
        place.remove()
    print('%d passed, %d failed' % (r.n - len(faults), len(faults)))
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
