"""4.13: ways to see records without leaving their keys in the ledger. Directly they all leak; through a gate that masks, nothing is seen beyond
the masks, and whatever is delivered stands in the ledger by its key (harness/audit.py)."""
from harness.corpus import attack
from lib import pgwire
from lib.pgwire import bind, close, describe, execute, parse, query

TEN = range(10, 15)
WHERE = 'WHERE id BETWEEN 10 AND 14'


def got_rows(messages):
    return sum(kind in b'Dd' for kind, _ in messages)


def audited(name, keys, **more):
    """The function returns the messages it read; when there are rows in them, `keys` must be in the ledger."""
    def mark(function):
        @attack('4.13', name, ledger=more.pop('ledger', 'read'), **more)
        def run(s):
            if got_rows(function(s) or []):
                s.delivered.update(keys)
        return function
    return mark


@audited('no key in the result', TEN)
def _(s):
    return s.q('SELECT phone FROM customers %s ORDER BY id' % WHERE)


@audited('no key in the result, by Parse', TEN)
def _(s):
    return s.x('SELECT full_name, address FROM customers %s ORDER BY id' % WHERE)


@audited('no key in the result, in binary', TEN)
def _(s):
    return s.x('SELECT apple_id FROM customers %s ORDER BY id' % WHERE, rformats=(1,))


@audited('no key in the result, without Describe', TEN)
def _(s):
    return s.ask(parse('SELECT phone FROM customers %s ORDER BY id' % WHERE), bind(), execute())


@audited('key under another name and place', TEN)
def _(s):
    return s.q('SELECT phone, id AS province, province AS id FROM customers %s ORDER BY customers.id' % WHERE)


@audited('another number called id', TEN)
def _(s):
    return s.q('SELECT 1 AS id, phone FROM customers %s ORDER BY customers.id' % WHERE)


@audited("another occurrence's key", (10, 11))
def _(s):
    return s.q('SELECT a.id, b.phone, a.full_name FROM customers a JOIN customers b ON b.id = a.id + 1 WHERE a.id = 10')


@audited('two occurrences, no keys', (10, 11))
def _(s):
    return s.q('SELECT a.phone, b.phone FROM customers a JOIN customers b ON b.id = a.id + 1 WHERE a.id = 10')


@audited('through a view that renames', TEN)
def _(s):
    return s.q('SELECT contact, mail FROM contact_card %s ORDER BY id' % WHERE)


@audited('through a sub-select that hides the key', TEN)
def _(s):
    return s.q('SELECT phone FROM (SELECT phone FROM customers %s ORDER BY id OFFSET 0) s' % WHERE)


@audited('through a cte that hides the key', TEN)
def _(s):
    return s.q('WITH w AS MATERIALIZED (SELECT phone FROM customers %s ORDER BY id) SELECT phone FROM w' % WHERE)


@audited('through a union', (10, 11))
def _(s):
    return s.q('SELECT phone FROM customers WHERE id = 10 UNION ALL SELECT phone FROM customers WHERE id = 11')


@audited('through a union with keys of different columns', (10, 11))
def _(s):
    return s.q('SELECT id, phone FROM customers WHERE id = 10 UNION ALL SELECT id + 1000, phone FROM customers WHERE id = 11')


@audited('through a join', (1, 2, 3))
def _(s):
    return s.q('SELECT o.item, c.phone FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.customer_id IN (1, 2, 3) ORDER BY o.id')


@audited('through an outer join', (1, 2, 3))
def _(s):
    return s.q('SELECT p.name, c.full_name FROM customers c LEFT JOIN products p ON p.price < 0 WHERE c.id < 4 ORDER BY c.id')


@audited('through a linked table', (10,))
def _(s):
    return s.q('SELECT serial FROM devices WHERE customer_id = 10')


@audited('through a partitioned table', (10,))
def _(s):
    return s.q('SELECT number FROM calls WHERE customer_id = 10 ORDER BY id')


@audited('many records in one row', TEN)
def _(s):
    return s.q('SELECT json_agg(phone ORDER BY id) FROM customers %s' % WHERE)


@audited('many records in one row, with keys', TEN)
def _(s):
    return s.q('SELECT array_agg(ROW(id, phone) ORDER BY id) FROM customers %s' % WHERE)


@audited('rolled back', TEN)
def _(s):
    s.q('BEGIN')
    out = s.q('SELECT id, phone FROM customers %s ORDER BY id' % WHERE)
    s.q('ROLLBACK')
    return out


@audited('rolled back to a savepoint', TEN)
def _(s):
    s.q('BEGIN')
    s.q('SAVEPOINT a')
    out = s.q('SELECT id, phone FROM customers %s ORDER BY id' % WHERE)
    s.q('ROLLBACK TO a')
    s.q('COMMIT')
    return out


@audited('rows, then an error', range(10, 14))
def _(s):
    return s.q('SELECT id, phone, 1 / (id - 14) FROM customers %s' % WHERE)


@audited('rows, then hang-up without Sync', TEN)
def _(s):
    s.put(parse('SELECT id, phone FROM customers %s ORDER BY id' % WHERE), bind(), execute(), pgwire.FLUSH)
    out = s.main.quiet(0.4)
    s.main.sock.close()
    s.main.over = True
    return out


@audited('row limit, then hang-up', range(1, 6))
def _(s):
    out = s.ask(parse('SELECT id, full_name FROM customers ORDER BY id'), bind(), execute(rows=5))
    s.main.sock.close()
    s.main.over = True
    return out


@audited('row limit, portal closed', range(1, 6))
def _(s):
    return s.ask(parse('SELECT id, full_name FROM customers ORDER BY id'), bind(portal='p'), execute('p', 5), close('P', 'p'))


@audited('cursor', TEN)
def _(s):
    s.q('BEGIN')
    s.q('DECLARE k CURSOR FOR SELECT id, phone FROM customers %s ORDER BY id' % WHERE)
    out = s.q('FETCH 3 FROM k') + s.q('FETCH ALL FROM k')
    s.q('ROLLBACK')
    return out


@audited('cursor without a key', TEN)
def _(s):
    s.q('BEGIN')
    s.q('DECLARE k CURSOR FOR SELECT phone FROM customers %s ORDER BY id' % WHERE)
    out = s.q('FETCH ALL FROM k')
    s.q('COMMIT')
    return out


@audited('cursor with hold, fetched later', TEN)
def _(s):
    s.q('DECLARE k CURSOR WITH HOLD FOR SELECT id, apple_id FROM customers %s ORDER BY id' % WHERE)
    s.q('SELECT 1')
    return s.q('FETCH ALL FROM k')


@audited('prepared now, executed later', TEN)
def _(s):
    s.q('PREPARE p AS SELECT phone FROM customers %s ORDER BY id' % WHERE)
    s.q('SELECT 1')
    return s.q('EXECUTE p')


@audited('prepared by message, executed in a later transaction', TEN)
def _(s):
    s.ask(parse('SELECT id, full_name FROM customers WHERE id BETWEEN $1 AND $2 ORDER BY id', 'p'))
    s.q('BEGIN')
    out = s.ask(bind([b'10', b'14'], name='p'), execute())
    s.q('ROLLBACK')
    return out


@audited('copy', TEN)
def _(s):
    return s.q('COPY (SELECT id, phone FROM customers %s ORDER BY id) TO STDOUT' % WHERE)


@audited('writing returns it', (10,))
def _(s):
    return s.q("UPDATE tickets SET note = 'x' FROM customers c WHERE c.id = tickets.customer_id AND c.id = 10 RETURNING c.phone")


@audited('a comment that forges', TEN)
def _(s):
    return s.q("/* {\"actor\":\"admin\"}\n\n\x01 user=admin */ SELECT phone /* */ FROM customers %s ORDER BY id -- \r\n-- foo" % WHERE)


@audited('a constant that forges', TEN)
def _(s):
    return s.q("SELECT phone, E'\",\"actor\":\"admin\",\"x\":\"\\n' FROM customers %s ORDER BY id" % WHERE)


@audited('a very long statement', TEN)
def _(s):
    return s.q("SELECT phone, '%s' FROM customers %s ORDER BY id" % ('x' * 20000, WHERE))


@audited('sessions beside each other', range(10, 19))
def _(s):
    out = []
    sessions = [s.open('mira', 'p%d' % i) for i in range(3)]
    for i, c in enumerate(sessions):
        c.put(query('SELECT phone FROM customers WHERE id BETWEEN %d AND %d ORDER BY id' % (10 + 3 * i, 12 + 3 * i)))
    for c in sessions:
        out += c.read_on()
    return out


@audited('in a pipeline', (10, 11, 12))
def _(s):
    for i in (10, 11, 12):
        s.put(parse('SELECT phone FROM customers WHERE id = $1'), bind([b'%d' % i]), describe(), execute())
    return s.ask()


@audited('in a pipeline that fails', (10,))
def _(s):
    s.put(parse('SELECT phone FROM customers WHERE id = 10'), bind(), execute(), parse('SELECT nonsense'), bind(), execute())
    return s.ask()


@audited('a look-up that hits', (7,), user='sam', given=True, ledger='probe')
def _(s):
    return s.q("SELECT id, full_name FROM customers WHERE phone = '+1-605-0107'")


@audited('a look-up that hits, by parameter', (7,), user='sam', given=True, ledger=('customer.email', 'h1mary7@example.com'))
def _(s):
    return s.x('SELECT province FROM customers WHERE apple_id = $1', 'h1mary7@example.com')


@audited('a look-up that hits, only counted', (7,), user='sam', given=True, ledger='probe')
def _(s):
    return s.q("SELECT count(*) FROM customers WHERE phone = '+1-605-0107'") and []
