"""What a refusal looks like: SQLSTATE, what and why, a hint, the rule's file and line, nothing of the data. And the rules of the group `narrow`."""
import re

from harness.legit import told
from lib import pgwire
from lib.pgwire import bind, execute, parse


def error(messages):
    return next((pgwire.error_fields(body) for kind, body in messages if kind == b'E'), None)


def rows(messages):
    return [pgwire.data_row(body) for kind, body in messages if kind == b'D']


def refusal(messages, state='42501', words=(), line='rule'):
    """What is wrong with it."""
    e = error(messages)
    if e is None:
        return ['not refused: %s' % pgwire.kinds(messages)]
    out = []
    if not re.match('^(%s)$' % state, e.get('C', '')):
        out.append('SQLSTATE %s, wanted %s (%s)' % (e.get('C'), state, e.get('M')))
    if e.get('S') != 'ERROR' or e.get('V') != 'ERROR':
        out.append('severity %s' % e.get('S'))
    for word in words:
        if word not in e.get('M', '') + e.get('H', ''):
            out.append('nothing of %r in %r' % (word, e.get('M', '') + ' / ' + e.get('H', '')))
    if not e.get('H'):
        out.append('no hint: ' + e.get('M', ''))
    if line and not re.search(r'policy\.gate:\d+' if line == 'rule' else r'policy\.gate', ' '.join(e.values())):
        out.append('no rule by file and line: %s' % e)
    for field in 'DWqscdtn':
        if e.get(field) and not (field == 'D' and re.search(r'policy\.gate', e['D'])):
            out.append('field %s: %s' % (field, e[field]))
    if messages[-1] != (b'Z', b'I'):
        out.append('afterwards %r' % (messages[-1],))
    return out


CASES = [
    ('computing with a masked column', "SELECT upper(phone) FROM customers", '42501', ['phone']),
    ('testing a masked column', "SELECT id FROM customers WHERE phone LIKE '+1%'", '42501', ['phone', 'customers']),
    ('ordering by a masked column', 'SELECT id FROM customers ORDER BY phone', '42501', ['phone']),
    ('grouping by a masked column', 'SELECT count(*) FROM customers GROUP BY phone', '42501', ['phone']),
    ('a hidden column in a test', 'SELECT id FROM customers WHERE address IS NULL', '42501', ['address']),
    ('whole row', 'SELECT c FROM customers c', '42501', []),
    ('look-up without the right', "SELECT id FROM customers WHERE phone = '+1-605-0107'", '42501', ['phone']),
    ('unknown relation', 'SELECT * FROM staff_notes', '42501', ['staff_notes']),
    ('unknown column', 'SELECT remark FROM orders', '42501', ['remark']),
    ('user function', "SELECT * FROM find_customers('BC')", '42501', ['find_customers']),
    ('function that runs text', "SELECT query_to_xml('SELECT 1', true, false, '')", '42501', ['query_to_xml']),
    ('update of a column not allowed', 'UPDATE tickets SET customer_id = 1 WHERE id = 1', '42501', ['customer_id']),
    ('update of a table not allowed', "UPDATE orders SET item = 'x'", '42501', ['orders']),
    ('user operator', 'SELECT ~~> id FROM customers', '42501', []),
    ("an extension's type", "SELECT NULL::hstore", '42501', ['hstore']),
    ('system relation', 'SELECT * FROM pg_stats', '42501', ['pg_stats']),
    ('system column', 'SELECT ctid FROM customers', '42501', ['ctid']),
    ('delete of a table not allowed', 'DELETE FROM customers', '42501', ['customers']),
]
CLASSES = [
    ('create table', 'CREATE TABLE t (i int)', ['CREATE TABLE']), ('create temp table', 'CREATE TEMP TABLE t AS SELECT 1', ['CREATE TABLE AS']),
    ('select into', 'SELECT 1 AS n INTO TEMP t', []), ('do', 'DO $$ BEGIN END $$', ['DO']), ('call', 'CALL tell(7, NULL)', ['CALL']), ('listen', 'LISTEN ch', ['LISTEN']),
    ('notify', 'NOTIFY ch', ['NOTIFY']), ('lock', 'LOCK TABLE tickets', ['LOCK']), ('copy from', 'COPY tickets (note) FROM STDIN', ['COPY']), ('analyze', 'ANALYZE', []), ('vacuum', 'VACUUM tickets', []),
    ('set role', 'SET ROLE clerk', []), ('set session authorization', 'SET SESSION AUTHORIZATION mira', []), ('grant', 'GRANT SELECT ON tickets TO noor', ['GRANT']), ('truncate', 'TRUNCATE tickets', ['TRUNCATE']),
    ('merge', 'MERGE INTO tickets t USING orders o ON t.id = o.id WHEN MATCHED THEN DELETE', ['MERGE']), ('for update', 'SELECT id FROM tickets FOR UPDATE', []), ('two-phase', "PREPARE TRANSACTION 'x'", []),
    ('explain analyze', 'EXPLAIN ANALYZE SELECT 1', ['ANALYZE']), ('several statements', 'SELECT 1; SELECT 2', []), ('load', "LOAD 'x'", []), ('security label', "SECURITY LABEL ON TABLE tickets IS 'x'", []),
    ('comment', "COMMENT ON TABLE tickets IS 'x'", ['COMMENT']), ('alter role', 'ALTER ROLE mira SET work_mem = 100', ['ALTER ROLE']), ('reindex', 'REINDEX TABLE tickets', []), ('checkpoint', 'CHECKPOINT', ['CHECKPOINT']),
    ('lying strings', 'SET standard_conforming_strings = off', ['standard_conforming_strings']), ('another encoding', "SET client_encoding = 'SJIS'", ['client_encoding']),
    ('the tree taken away', 'SET debug_print_rewritten = off', ['debug_print_rewritten']),
]


def case(name, sql, state, words, line):
    @told('refusal', name)
    def run(s):
        out = refusal(s.q(sql), state, words, line)
        out += [w for w in refusal(s.x(sql), state, words, line) if w not in out]
        if rows(s.q('SELECT 7')) != [[b'7']]:
            out.append('the session is of no use afterwards')
        return out


UNNAMED = ('unknown relation', 'unknown column', 'user function', 'function that runs text', 'user operator', "an extension's type", 'system relation', 'system column', 'whole row', 'update of a table not allowed')  # what no rule allows: the file alone
for _n, _sql, _state, _words in CASES:
    case(_n, _sql, _state, _words, 'file' if _n in UNNAMED else 'rule')
for _n, _sql, _words in CLASSES:
    case(_n, _sql, '42501|0A000|42601', _words, False)


@told('refusal', 'in a transaction: it fails, and can be rolled back')
def _(s):
    out = []
    s.q('BEGIN')
    got = s.q('SELECT upper(phone) FROM customers')
    if got[-1] != (b'Z', b'E'):
        out.append('state %r, wanted E' % (got[-1],))
    e = error(s.q('SELECT 1'))
    if not e or e['C'] != '25P02':
        out.append('in a failed transaction: %s' % e)
    if pgwire.kinds(s.q('ROLLBACK')) != b'CZ':
        out.append('ROLLBACK does not work')
    if rows(s.q('SELECT 7')) != [[b'7']]:
        out.append('no use afterwards')
    return out


@told('refusal', 'in a transaction with a savepoint')
def _(s):
    s.q('BEGIN')
    s.q("UPDATE tickets SET note = 'kept' WHERE id = 1")
    s.q('SAVEPOINT a')
    s.q('SELECT upper(phone) FROM customers')
    s.q('ROLLBACK TO a')
    out = [] if rows(s.q('SELECT note FROM tickets WHERE id = 1')) == [[b'kept']] else ['the savepoint was lost']
    s.q('ROLLBACK')
    return out


@told('refusal', 'in a pipeline: what follows is skipped to Sync')
def _(s):
    got = s.ask(parse('SELECT upper(phone) FROM customers'), bind(), execute(), parse('SELECT 1'), bind(), execute())
    return [] if pgwire.kinds(got) == b'EZ' else ['got %r' % pgwire.kinds(got)]


@told('refusal', 'error after Bind of what touches a protected column says nothing of data')
def _(s):
    out = []
    for sql in ('SELECT phone, 1 / (id - 7) FROM customers', "SELECT full_name, ('x' || item)::int FROM customers c JOIN orders o ON o.customer_id = c.id"):
        e = error(s.q(sql))
        if e is None:
            out.append('no error: ' + sql)
        else:
            out += ['%s: %s' % (f, e[f]) for f in 'DWqstcdn' if e.get(f)]
            if re.search(r'item \d|zero', e.get('M', '')):
                out.append('message: ' + e['M'])
    return out


@told('refusal', 'error after Bind of open columns is told, without its details')
def _(s):
    e = error(s.q("INSERT INTO tickets (customer_id) VALUES (424242)"))
    if e is None or e['C'] != '23503':
        return ['got %s' % e]
    return ['%s: %s' % (f, e[f]) for f in 'Dstcn' if e.get(f)]


@told('refusal', 'error of grammar and of names is PostgreSQL\'s own')
def _(s):
    out = []
    for sql, code in (('SELEC 1', '42601'), ('SELECT nonsense', '42703'), ('SELECT * FROM nothing', '42P01'), ("SELECT 1 + 'x'", '22P02')):
        e = error(s.q(sql))
        if not e or e['C'] != code or not e.get('P'):
            out.append('%s: %s' % (sql, e))
    return out


@told('narrow', 'no copy', user='tess')
def _(s):
    return refusal(s.q('COPY (SELECT name FROM products) TO STDOUT'), '42501', ['COPY']) + refusal(s.q('COPY products (name) TO STDOUT'), '42501', ['COPY'])


@told('narrow', 'no cursor', user='tess')
def _(s):
    s.q('BEGIN')
    e = error(s.q('DECLARE k CURSOR FOR SELECT name FROM products'))
    s.q('ROLLBACK')
    if not e or e['C'] != '42501' or 'cursor' not in e['M'].lower() or not re.search(r'policy\.gate:\d+', ' '.join(e.values())):
        return ['got %s' % e]
    return []


@told('narrow', 'limit: as many rows as the limit go', user='tess')
def _(s):
    got = s.q('SELECT name FROM products ORDER BY name LIMIT 3')
    return [] if len(rows(got)) == 3 and not error(got) else ['%d rows, %s' % (len(rows(got)), error(got))]


@told('narrow', 'limit: more rows are cut off with an error', user='tess')
def _(s):
    out = []
    for got in (s.q('SELECT name FROM products ORDER BY name'), s.x('SELECT id, phone FROM customers ORDER BY id')):
        e = error(got)
        if len(rows(got)) > 3:
            out.append('%d rows' % len(rows(got)))
        if not e or not re.match('^(54000|42501|53400)$', e['C']) or not re.search(r'policy\.gate:\d+', ' '.join(e.values())):
            out.append('got %s' % e)
    if rows(s.q('SELECT 7')) != [[b'7']]:
        out.append('no use afterwards')
    return out


@told('narrow', 'limit: it cannot be walked round by a row limit of the protocol', user='tess')
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, phone FROM customers ORDER BY id'), bind(portal='p'))
    n = 0
    for _ in range(6):
        got = s.ask(execute('p', 2))
        n += len(rows(got))
    s.q('ROLLBACK')
    return [] if n <= 3 else ['%d rows of one statement' % n]


@told('narrow', 'limit: rows that are changed count', user='tess')
def _(s):
    e = error(s.q("UPDATE products SET price = 1"))
    return [] if e and e['C'] == '42501' else ['got %s' % e]


@told('narrow', 'never filter: shown in the clear, not to be tested', user='tess')
def _(s):
    out = []
    got = s.q('SELECT id, full_name FROM customers WHERE id = 7')
    if rows(got) != [[b'7', b'Mary Major']]:
        out.append('shown: %s %s' % (rows(got), error(got)))
    for sql in ("SELECT id FROM customers WHERE full_name LIKE 'M%' LIMIT 1", 'SELECT id FROM customers ORDER BY full_name LIMIT 1', 'SELECT count(*) FROM customers GROUP BY full_name LIMIT 1',
                "SELECT id FROM customers WHERE full_name = 'Mary Major'"):
        out += refusal(s.q(sql), '42501', ['full_name'])
    return out


@told('narrow', 'a column without a rule', user='tess')
def _(s):
    return refusal(s.q('SELECT apple_id FROM customers WHERE id = 7'), '42501', ['apple_id'], 'file') + refusal(s.q('SELECT * FROM customers WHERE id = 7'), '42501', [], 'file')
