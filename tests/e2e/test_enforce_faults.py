"""Enforced sessions when something else happens: a new policy, a cancel, a time-out, a keeper that is gone, a reader that is slow. Each test has a gate of its own."""
import os
import signal
import threading
import time

from lib import gate, pgwire, ports
from lib.env import Target, equal, test, true, until
from lib.marks import Marker
from lib.pgwire import FLUSH, SYNC, Conn, ServerError, bind, execute, parse, query
from test_limits import MB, Sampler, ends_within

LONG = 'select count(*) from orders a, orders b, orders c where a.id < b.id and b.id < c.id'


def own_gate(env, name, **settings):
    g = gate.Gate(os.path.join(env.folder, 'own-enforce-' + name), env.binary, env.cluster, ports.free_port(), env.authority, settings,
                  policy=os.path.join(gate.HERE, 'enforce.gate'), people=os.path.join(gate.HERE, 'enforce.csv'))
    g.start()
    return g, Target(g.port, g.sockdir, env.authority.cert, gate=g)


def rows(messages):
    return [pgwire.data_row(body) for kind, body in messages if kind == b'D']


def reload(g, change):
    with open(g.policy) as f:
        text = f.read()
    new = change(text)
    true(new != text, 'the policy is as it was')
    with open(g.policy, 'w') as f:
        f.write(new)
    before = len(g.entries(kind='policy'))
    g.hup()
    until(lambda: len(g.entries(kind='policy')) > before, 10, 'a policy entry')


@test(gate=True)
def new_policy(env):
    g, target = own_gate(env, 'policy')
    c = Conn.open(target, 'bo', params=[('application_name', 'old')])
    idle = Conn.open(target, 'bo', params=[('application_name', 'idle')])
    sql = 'select id, phone from customers where id <= 2 order by id'
    c.ask(parse(sql, 's') + SYNC)
    c.ask(query('prepare p as ' + sql))
    c.ask(query('begin') + query('declare k cursor for ' + sql) + query('fetch 1 from k'), 3)
    old = bind(name='s') + execute() + SYNC
    equal(rows(c.ask(old)), [[b'1', b'*******0001'], [b'2', b'*******0002']])
    half = Conn.open(target, 'bo')  # who never sends Sync has no next batch
    half.send(parse(sql) + bind() + execute() + FLUSH)
    equal(rows(half.read_until(b'C')), [[b'1', b'*******0001'], [b'2', b'*******0002']])
    reload(g, lambda t: t.replace('mask  phone as last 4', 'mask  phone as fixed "gone"'))
    new = [[b'1', b'gone'], [b'2', b'gone']]
    equal(rows(c.ask(old)), new)
    equal(rows(c.ask(query('execute p'))), new)
    equal(rows(c.ask(query(sql))), new)
    got = c.ask(query('fetch 1 from k'))  # what was opened under the old one is not read on
    equal(([f['C'] for f in pgwire.errors(got)], rows(got), got[-1][1]), (['0A000'], [], b'E'))
    c.ask(query('rollback'))
    equal(idle.rows(sql), new)
    half.send(parse(sql) + bind() + execute() + FLUSH)
    equal(rows(half.read_until(b'C')), new)
    half.close()
    # Not allowed any more: refused at its next use.
    reload(g, lambda t: t.replace('on table public.orders   { allow read', 'on table public.orders   { allow insert', 1).replace('mask  phone as fixed "gone"', 'mask  mobile as last 2', 1))
    for data in (old, query('execute p'), query(sql)):
        equal([f['C'] for f in pgwire.errors(c.ask(data))], ['42501'])
    equal(rows(c.ask(query('select id from customers where id = 1'))), [[b'1']])
    # Observed from now on: the session ends, at once when it is idle, and says why.
    reload(g, lambda t: t.replace('treat enforce', 'treat observe'))
    for x in (c, idle):
        found = ends_within(x, time.monotonic(), 0, 5, 'a session that is treated otherwise')
        equal([(f['C'], 'policy' in f['M']) for f in found], [('57P01', True)])
    with Conn.open(target, 'bo', params=[('application_name', 'seen')]) as d:
        equal(d.rows('select id, upper(phone) from customers where id = 1'), [[b'1', b'13800000001']])
        reload(g, lambda t: t.replace('treat observe\n    on', 'treat enforce\n    on'))
        equal([f['C'] for f in ends_within(d, time.monotonic(), 0, 5, 'an observed session')], ['57P01'])
    found = g.session_entries('old', 'idle', 'seen')
    equal([e['sqlstate'] for n in ('old', 'idle', 'seen') for e in found[n] if e['kind'] == 'close'], ['57P01'] * 3)
    g.stop()


@test(gate=True)
def cancel_and_time_outs(env):
    g, target = own_gate(env, 'times', idle_in_transaction_timeout='500ms', statement_timeout='2s')
    with Conn.open(target, 'bo', unix=True) as c:
        threading.Timer(0.2, pgwire.cancel, (target, c.key, True)).start()
        start = time.monotonic()
        equal([f['C'] for f in pgwire.errors(c.ask(query(LONG)))], ['57014'])
        true(time.monotonic() - start < 1.5, 'cancelled late')
        c.ask(query('begin'))
        c.ask(query("set local statement_timeout to '100ms'"))
        got = c.ask(query(LONG))
        equal(([f['C'] for f in pgwire.errors(got)], got[-1][1]), (['57014'], b'E'))
        c.ask(query('rollback'))
        start = time.monotonic()
        equal([f['C'] for f in pgwire.errors(c.ask(query(LONG)))], ['57014'])
        true(1 < time.monotonic() - start < 6, "the gate's own limit")
        equal(c.rows('select 1'), [[b'1']])
        # Half a pipeline holds locks like a transaction: it has its time, too. The table can be changed then.
        for data in (parse('select id, phone from customers where id = 1') + FLUSH, parse('select id from customers') + bind() + execute(rows=1) + FLUSH, query('begin')):
            with Conn.open(target, 'bo', unix=True) as d:
                start = time.monotonic()
                d.send(data)
                equal([f['C'] for f in ends_within(d, start, 0.4, 4, 'a half pipeline')], ['25P03'])
    g.stop()


@test(gate=True)
def keeper_gone(env):
    """No row leaves while nobody records; what needs no record goes on; when it lasts, an error says so."""
    g, target = own_gate(env, 'keeper')
    sql = 'select id, phone from customers where id <= 3 order by id'
    with Conn.open(target, 'bo', unix=True) as c, Conn.open(target, 'bo', unix=True) as other:
        equal(len(c.rows(sql)), 3)
        keeper = g.role_pid('keeper')
        os.kill(keeper, signal.SIGSTOP)
        try:
            c.send(query(sql))
            equal(other.rows('select id from products where id = 1'), [[b'1']])
            equal([f['C'] for f in pgwire.errors(other.ask(query('select upper(phone) from customers')))], ['42501'])
            true(b'D' not in pgwire.kinds(c.settle(0.4)), 'a row left without a record')
        finally:
            os.kill(keeper, signal.SIGCONT)
        equal(rows(c.read_until()), [[b'%d' % i, b'*******000%d' % i] for i in (1, 2, 3)])
        os.kill(keeper, signal.SIGSTOP)
        c.send(query(sql))
        time.sleep(0.1)
        os.kill(keeper, signal.SIGKILL)
        try:
            got = c.read_until()
        except ServerError as e:
            equal(e.code, '58030')
        else:
            true(not rows(got) and [f['C'] for f in pgwire.errors(got)] == ['58030'], got)

    def again():
        try:
            with Conn.open(target, 'bo', unix=True) as c:
                return c.rows(sql)
        except (ServerError, pgwire.Closed, OSError):
            return None
    equal(len(until(again, 20, 'rows again')), 3)
    g.stop()


@test(gate=True, serial=True, timeout=120)
def million_masked_rows(env):
    """Masked, recorded, in bounded memory, also when the client is slow to read."""
    g, target = own_gate(env, 'million', workers='1')
    with Conn.open(target, 'bo', unix=True, params=[('application_name', 'million')]) as c:
        c.rows('select id, phone from customers limit 10')
        before, s = Sampler(g).now(), Sampler(g)
        s.start()
        c.sock.settimeout(60)
        c.send(query('select phone, email, title from customers c, products p'))  # and the key, that the gate puts in
        time.sleep(0.5)
        into, total, tail, clear = bytearray(1 << 20), 0, b'', 0
        while tail[-6:-1] != b'Z\0\0\0\5':
            n = c.sock.recv_into(into)
            true(n, 'the stream ended after %d bytes' % total)
            piece = tail[-20:] + bytes(into[:n])
            clear += piece.count(b'13800') + piece.count(b'@Example')
            total += n
            tail = (tail + bytes(into[max(0, n - 64):n]))[-64:]
            if total < 30 * MB:
                time.sleep(0.01)
        most = s.stop()
        print('bytes', total, 'RSS before', before, 'most', most)
        true(b'SELECT 1000000\0' in tail and clear == 0 and total > 50 * MB, (tail, clear, total))
        true(most - before < 48 * MB, 'RSS grew from %.1f to %.1f MB' % (before / MB, most / MB))
        equal(c.rows('select 1'), [[b'1']])
    reads = [e for e in g.session_entries('million', limit=30)['million'] if e['kind'] == 'read']
    equal(sum(e['rows'] for e in reads), 1000010)
    Marker(os.path.join(g.folder, 'mark.keys')).expect(reads, 'customer.key', range(1, 2001))
    g.stop()
