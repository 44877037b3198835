"""4.9: names of cursors, portals and statements that meet; keys that a gateway adds to a list."""
from harness.corpus import attack
from lib.pgwire import bind, close, describe, execute, parse


@attack('4.9', 'a cursor of open columns, a portal of its name over masked ones')
def _(s):
    s.q('BEGIN')
    s.q('DECLARE k CURSOR FOR SELECT id, item FROM orders ORDER BY id')
    s.ask(parse('SELECT id, full_name FROM customers ORDER BY id'), bind(portal='k'), execute('k', 2))
    s.q('FETCH 3 FROM k')
    s.q('ROLLBACK')
    s.q('BEGIN')
    s.ask(parse('SELECT id, full_name FROM customers ORDER BY id'), bind(portal='k'), execute('k', 2))
    s.q('FETCH 3 FROM k')


@attack('4.9', 'a portal of masked columns, a cursor of its name over open ones')
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT full_name, id FROM customers ORDER BY id'), bind(portal='k'), execute('k', 2))
    s.q('DECLARE k CURSOR FOR SELECT item, id FROM orders ORDER BY id')
    s.q('FETCH 2 FROM k')
    s.ask(execute('k', 2), close('P', 'k'))
    s.q('DECLARE k CURSOR FOR SELECT item, id FROM orders ORDER BY id')
    s.q('FETCH 2 FROM k')


@attack('4.9', 'a cursor of a savepoint that was rolled back')
def _(s):
    s.q('BEGIN')
    s.q('DECLARE k CURSOR FOR SELECT item, id FROM orders ORDER BY id')
    s.q('SAVEPOINT a')
    s.q('CLOSE k')
    s.q('DECLARE k CURSOR FOR SELECT full_name, id FROM customers ORDER BY id')
    s.q('FETCH 2 FROM k')
    s.q('ROLLBACK TO a')
    s.q('FETCH 2 FROM k')


@attack('4.9', 'names of a gateway\'s own guessed')
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, full_name FROM customers ORDER BY id'), bind(), execute(rows=2))
    for name in ('1', 's1', 'p1', 'gh1', 'gh_1', 'gh_p1', 'gh_s1', 'gatehouse_1', 'g1', 'c1', 'gh_c1'):
        s.ask(describe('P', name))
        s.ask(bind(name=name), execute())
        s.q('ROLLBACK')
        s.q('BEGIN')
        s.q('FETCH 1 FROM "%s"' % name)
        s.q('ROLLBACK')
        s.q('EXECUTE "%s"' % name)
        s.q('BEGIN')


@attack('4.9', 'result columns called as an added key may be')
def _(s):
    s.q('SELECT upper(full_name) AS gh_key_1 FROM customers WHERE id < 5')
    s.q('SELECT phone AS gh_key_1, full_name AS gh_key_2 FROM customers WHERE id < 5 ORDER BY customers.id')
    s.q('SELECT phone, province AS gh_key_1 FROM customers WHERE id < 5 ORDER BY gh_key_1, customers.id')
    s.q('SELECT full_name FROM (SELECT id AS gh_key_1, id, full_name FROM customers) s WHERE id < 5 ORDER BY gh_key_1')


@attack('4.9', 'more and fewer result formats than columns')
def _(s):
    for formats in ((1, 0), (0, 1), (1, 1, 1), (0,), (1,), (2,), (1, 2), ()):
        s.x('SELECT phone FROM customers WHERE id < 5 ORDER BY id', rformats=formats)
        s.x('SELECT phone, full_name FROM customers WHERE id < 5 ORDER BY id', rformats=formats)


@attack('4.9', 'an added key where rows are cut, ordered and joined by names')
def _(s):
    s.q('SELECT full_name FROM customers ORDER BY customers.id OFFSET 3 LIMIT 4')
    s.q('SELECT c.full_name FROM customers c JOIN LATERAL (SELECT 1 AS id) x ON true WHERE c.id < 5 ORDER BY c.id')
    s.q('SELECT id.full_name FROM customers AS id WHERE id.id < 5 ORDER BY id.id')
    s.q('SELECT "from".full_name, \'x\' AS "a FROM b" FROM customers AS "from" WHERE "from".id < 5 ORDER BY "from".id')
    s.q('SELECT phone /* FROM */ -- FROM\n FROM customers WHERE id < 5 ORDER BY id')
    s.q('SELECT full_name FROM ONLY customers WHERE id < 5 ORDER BY id')
    s.q('SELECT ALL full_name FROM customers c NATURAL JOIN (VALUES (7::bigint), (8)) v(id) ORDER BY id')


@attack('4.9', 'a statement executed by another name after close')
def _(s):
    s.ask(parse('SELECT full_name, id FROM customers ORDER BY id LIMIT 3', 'a'), parse('SELECT id, full_name FROM customers ORDER BY id LIMIT 3', 'b'))
    s.ask(close('S', 'a'), parse('SELECT id, item FROM orders ORDER BY id LIMIT 3', 'a'), bind(portal='x', name='a'), bind(portal='y', name='b'), execute('y'), execute('x'))
    s.ask(close('S', 'b'), execute('y'))
    s.ask(bind(portal='x', name='a'), close('S', 'a'), execute('x'))


@attack('4.9', 'the same text a hundred times, meanings by type')
def _(s):
    for types in ((), (25,), (1043,), (20,), (705,), (19,), (17,), (2205,)):
        s.x('SELECT id, phone FROM customers WHERE id < 3 AND $1 IS NOT NULL', b'7', types=types)
        s.x('SELECT $1, full_name FROM customers WHERE id < 3', b'7', types=types)
