"""Everyday use of the protocol itself: named statements, portals, pipelines, formats."""
import struct

from harness.legit import steps
from lib.pgwire import SYNC, bind, close, describe, execute, parse, query

PHONE = 'phone last 2, full_name fixed (name), apple_id first 1, address hide'


@steps('protocol', 'named statement used again', PHONE)
def _(s):
    s.ask(parse('SELECT id, phone, province FROM customers WHERE id = $1', 'look', [20]), describe('S', 'look'))
    for i in (7, 8, 9, 25):
        s.ask(bind([struct.pack('>q', i)], name='look', pformats=[1], rformats=[1]), describe(), execute())
    s.ask(close('S', 'look'))


@steps('protocol', 'statement described before it is run', PHONE)
def _(s):
    s.ask(parse('SELECT full_name, address, id FROM customers WHERE id = $1 AND province = $2', 'p'), describe('S', 'p'))
    s.ask(bind([b'7', b'QC'], name='p'), describe(), execute())


@steps('protocol', 'portal in slices', PHONE)
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, full_name FROM customers ORDER BY id'), bind(portal='p'), describe('P', 'p'), execute('p', 3))
    s.ask(execute('p', 3))
    s.ask(execute('p', 3), close('P', 'p'))
    s.q('COMMIT')


@steps('protocol', 'two portals side by side', PHONE)
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, phone FROM customers ORDER BY id', 'a'), parse('SELECT id, item FROM orders ORDER BY id', 'b'),
          bind(portal='pa', name='a'), bind(portal='pb', name='b'), describe('P', 'pa'), describe('P', 'pb'))
    s.ask(describe('P', 'pa'), execute('pa', 2), describe('P', 'pb'), execute('pb', 2), describe('P', 'pa'), execute('pa', 2))
    s.q('COMMIT')


@steps('protocol', 'pipeline of inserts')
def _(s):
    s.put(*[parse('INSERT INTO tickets (customer_id, note) VALUES ($1, $2)') + bind([b'%d' % i, b'note %d' % i]) + describe() + execute() for i in range(1, 6)], SYNC)
    s.main.read_on()
    s.q("SELECT customer_id, note FROM tickets WHERE note LIKE 'note%' ORDER BY id")


@steps('protocol', 'pipeline of queries, a Sync behind each', PHONE)
def _(s):
    for i in range(1, 6):
        s.put(parse('SELECT id, phone FROM customers WHERE id = $1'), bind([b'%d' % i]), describe(), execute(), SYNC)
    s.main.read_on(b'Z', 5)


@steps('protocol', 'several simple queries in one write')
def _(s):
    s.put(query('SELECT 1'), query('SELECT count(*) FROM orders'), query('SELECT 3'))
    s.main.read_on(b'Z', 3)


@steps('protocol', 'formats mixed', PHONE)
def _(s):
    s.x('SELECT id, phone, created_at, address FROM customers WHERE id < 9 ORDER BY id', rformats=(1, 0, 1, 1))
    s.x('SELECT id, full_name FROM customers WHERE id < 9 ORDER BY id', rformats=(1,))


@steps('protocol', 'empty statement and no rows', PHONE)
def _(s):
    s.x('')
    s.x('SELECT id, phone FROM customers WHERE id < 0')
    s.q('SELECT id, phone FROM customers WHERE id < 0')


@steps('protocol', 'unnamed statement bound twice')
def _(s):
    s.ask(parse('SELECT item FROM orders WHERE id = $1', types=[20]), describe('S'))
    s.ask(bind([b'1']), describe(), execute())
    s.ask(bind([b'2']), describe(), execute())


@steps('protocol', 'close of what is not there')
def _(s):
    s.ask(close('S', 'none'), close('P', 'none'))


@steps('protocol', 'settings at log-in')
def _(s):
    s.main.bye()
    c = s.open(label='again', params=[('application_name', 'tool'), ('extra_float_digits', '3'), ('DateStyle', 'ISO'), ('TimeZone', 'UTC'), ('client_encoding', 'UTF8')])
    del s.messages[:]
    c.q('SHOW application_name')
    c.q('SELECT 0.1::float8')


@steps('protocol', 'SQL PREPARE, many times')
def _(s):
    for i in range(40):
        s.q('PREPARE p%d AS SELECT %d + $1::int' % (i, i))
    for i in range(40):
        s.q('EXECUTE p%d (%d)' % (i, i))
    s.q('DEALLOCATE ALL')


@steps('protocol', 'five hundred different statements')
def _(s):
    for i in range(500):
        s.x('SELECT %d AS n%d, item FROM orders WHERE id = %d' % (i, i, i % 50 + 1))


@steps('protocol', 'a long list')
def _(s):
    s.q('SELECT count(*) FROM orders WHERE id IN (%s)' % ','.join(map(str, range(1, 3000))))


@steps('protocol', 'nested and wide')
def _(s):
    s.q('SELECT %s' % ', '.join('%d AS c%d' % (i, i) for i in range(300)))
    s.q('SELECT ' + '(' * 60 + '1' + ')' * 60)


@steps('protocol', 'formats mixed, the key not in the list', PHONE)
def _(s):
    s.x('SELECT phone, full_name FROM customers WHERE id < 9 ORDER BY id', rformats=(1, 0))
    s.x('SELECT full_name, created_at FROM customers WHERE id < 9 ORDER BY id', rformats=(0, 1))
    s.ask(parse('SELECT c.full_name, o.item, c.phone FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id < 9 ORDER BY o.id', 'p'), describe('S', 'p'))
    s.ask(bind(name='p', rformats=(0, 1, 0)), describe(), execute(rows=3), execute())


@steps('protocol', 'cursor and prepared statement, the key not in the list', PHONE)
def _(s):
    s.q('BEGIN')
    s.q('DECLARE k CURSOR FOR SELECT phone, province FROM customers ORDER BY id')
    s.q('FETCH 3 FROM k')
    s.q('FETCH ALL FROM k')
    s.q('COMMIT')
    s.q('PREPARE p (bigint) AS SELECT full_name FROM customers WHERE id = $1')
    s.q('EXECUTE p (7)')


@steps('protocol', 'two occurrences, no key in the list', 'one last 2, two fixed (name)')
def _(s):
    s.q('SELECT a.phone AS one, b.full_name AS two FROM customers a JOIN customers b ON b.id = a.id + 1 WHERE a.id < 9 ORDER BY a.id')
    s.x('SELECT a.phone AS one, b.full_name AS two FROM customers a JOIN customers b ON b.id = a.id + 1 WHERE a.id < 9 ORDER BY a.id', rformats=(1, 1))
