"""Ceilings on time, number and memory. Each test has a gate of its own with small limits."""
import os
import struct
import threading
import time

from lib import gate, pgwire, ports
from lib.env import PASSWORDS, Target, equal, test, true, until
from lib.pgwire import Conn, ServerError

MB = 1 << 20


def own_gate(env, **settings):
    folder = os.path.join(env.folder, 'own-%d' % os.getpid() + ('-%d' % own_gate.n if own_gate.n else ''))
    own_gate.n += 1
    g = gate.Gate(folder, env.binary, env.cluster, ports.free_port(), env.authority, settings)
    g.start()
    return g, Target(g.port, g.sockdir, env.authority.cert, gate=g)


own_gate.n = 0


def ends_within(c, start, low, high, what):
    """The peer ends the connection between low and high seconds after `start`, which is before the peer's clock began; returns the
    errors it sent."""
    got = []
    c.sock.settimeout(high + 1)
    try:
        while True:
            got.append(c.read())
    except (pgwire.Closed, ConnectionError):
        pass
    except TimeoutError:
        raise AssertionError('%s: still open after %.1f s' % (what, high + 1))
    took = time.monotonic() - start
    true(low <= took <= high, '%s: ended after %.2f s' % (what, took))
    return pgwire.errors(got)


@test(gate=True)
def login_timeout(env):
    g, target = own_gate(env, login_timeout='2s')
    start = time.monotonic()
    silent = Conn(target)
    half = Conn(target)
    half.send(pgwire.startup_packet([('user', 'anna')])[:9])
    sasl = Conn(target)
    sasl.startup([('user', 'anna'), ('database', 'shop')])
    tls = Conn(target)
    tls.start_tls()
    for c, what in ((silent, 'silent'), (half, 'half a start-up'), (sasl, 'in SASL'), (tls, 'TLS and no more')):
        ends_within(c, start, 1.9, 12, what)
    drip = Conn(target)
    packet = pgwire.startup_packet([('user', 'anna'), ('database', 'shop'), ('application_name', 'x' * 200)])
    start = time.monotonic()
    try:
        for b in packet:
            drip.send(bytes([b]))
            time.sleep(0.1)
            if time.monotonic() - start > 12:
                break
    except OSError:
        pass
    true(time.monotonic() - start < 12, 'bytes dripped in keep a log-in alive')
    Conn.open(target).close()
    g.stop()


@test(gate=True)
def idle_timeouts(env):
    g, target = own_gate(env, idle_timeout='2s', idle_in_transaction_timeout='500ms', statement_timeout='800ms')
    start = time.monotonic()
    c = Conn.open(target)
    found = ends_within(c, start, 1.9, 12, 'idle')
    true(found and found[0]['S'] == 'FATAL' and found[0]['C'] == '57P05', found)
    # In a transaction, in a failed one, and in half a pipeline, which holds locks all the same.
    for how in (pgwire.query('begin'), pgwire.query('begin; select 1/0'), pgwire.parse('select 1') + pgwire.bind() + pgwire.execute() + pgwire.FLUSH):
        c = Conn.open(target)
        start = time.monotonic()
        c.send(how)
        found = [f for f in ends_within(c, start, 0.45, 12, 'idle in a transaction') if f['S'] == 'FATAL']
        true(found and found[0]['C'] == '25P03', '%r: %s' % (how[:30], found))
    c = Conn.open(target)
    start = time.monotonic()
    found = pgwire.errors(c.ask(pgwire.query('select pg_sleep(10)')))
    true(0.7 < time.monotonic() - start < 9 and found[0]['C'] == '57014', found)
    equal(c.rows('select 1'), [[b'1']])
    found = pgwire.errors(c.ask(pgwire.extended('select pg_sleep(10)')))
    equal(found[0]['C'], '57014')
    c.close()
    # A statement that runs is not idle, however long.
    g.settings.update(statement_timeout='0', idle_in_transaction_timeout='0')
    g.stop()
    g.write()
    g.start()
    c = Conn.open(target)
    equal(c.rows('select 1 from pg_sleep(3)'), [[b'1']])
    c.close()
    g.stop()


@test(gate=True)
def too_many_unauthenticated(env):
    g, target = own_gate(env, max_unauthenticated='5', workers='1')
    keep = []
    for _ in range(12):
        try:
            keep.append(Conn(target))
        except OSError:
            pass
    waiting = list(keep)

    def few():
        for c in list(waiting):
            c.sock.settimeout(0.02)
            try:
                c.read()
            except TimeoutError:
                pass
            except (pgwire.Closed, OSError):
                waiting.remove(c)
        return len(waiting) <= 5
    until(few, 10, 'all but five connections without a log-in are ended')
    for c in keep:
        c.sock.close()
    until(lambda: works(target), 20, 'a log-in after they went')
    g.stop()


def works(target, user='anna'):
    try:
        with Conn.open(target, user, timeout=15) as c:
            return c.rows('select 1') == [[b'1']]
    except (ServerError, pgwire.Closed, OSError):
        return False


@test(gate=True)
def too_many_sessions(env):
    g, target = own_gate(env, max_sessions='3')
    keep = [Conn.open(target) for _ in range(3)]
    try:
        Conn.open(target).close()
        true(False, 'a fourth session')
    except ServerError as e:
        equal(e.code, '53300')
    keep.pop().close()
    until(lambda: works(target), 20, 'a log-in after one went')
    g.stop()


@test(gate=True, timeout=90)
def failures_slow_down(env):
    """Failed log-ins make the next answer come later, for the address and the user; a good password still works."""
    g, target = own_gate(env)
    took = []
    for _ in range(7):
        start = time.monotonic()
        try:
            Conn.open(target, 'anna', password='wrong').close()
            true(False, 'logged in')
        except ServerError as e:
            equal(e.code, '28P01')
        took.append(time.monotonic() - start)
    true(took[-1] > took[0] + 0.4, 'times %s' % ['%.2f' % t for t in took])
    with Conn.open(target, 'anna', timeout=15) as c:
        equal(c.rows('select 1'), [[b'1']])
    # The eighth failure in a row would be answered after 4 s.
    start = time.monotonic()
    Conn.open(target, 'anna').close()
    true(time.monotonic() - start < 3, 'a success did not end the delay')
    g.stop()


class Sampler(threading.Thread):
    """The gate's resident memory while something runs."""

    def __init__(self, g):
        super().__init__(daemon=True)
        self.pid, self.most, self.done = g.role_pid('gate'), 0, threading.Event()

    def now(self):
        with open('/proc/%d/status' % self.pid) as f:
            for line in f:
                if line.startswith('VmRSS:'):
                    return int(line.split()[1]) * 1024

    def run(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self.now())

    def stop(self):
        self.done.set()
        self.join()
        return max(self.most, self.now())


def drain(c, limit=120):
    """Reads and drops all bytes up to a ReadyForQuery that ends the stream; returns how many there were."""
    total, tail, end = len(c.buffer), bytes(c.buffer[-64:]), time.monotonic() + limit
    c.buffer.clear()
    into = bytearray(1 << 20)
    while True:
        n = c.sock.recv_into(into)
        true(n and time.monotonic() < end, 'the stream ended or took too long after %d bytes' % total)
        total += n
        tail = (tail + bytes(into[max(0, n - 64):n]))[-64:]
        if tail[-6:-1] == b'Z\0\0\0\5':
            return total, tail


@test(gate=True, serial=True, timeout=120)
def ten_million_rows(env):
    g, target = own_gate(env)
    with Conn.open(target, 'anna') as c:
        c.rows('select 1')
        before = Sampler(g).now()
        s = Sampler(g)
        s.start()
        c.sock.settimeout(60)
        c.send(pgwire.query("select generate_series(1, 10000000)"))
        total, tail = drain(c)
        most = s.stop()
        true(b'SELECT 10000000\0' in tail and total > 130 * MB, '%d bytes, %r' % (total, tail))
        print('bytes', total, 'RSS before', before, 'most', most)
        true(most - before < 24 * MB, 'RSS grew from %.1f to %.1f MB' % (before / MB, most / MB))
    g.stop()


@test(gate=True, serial=True, timeout=120)
def million_recorded_rows(env):
    g, target = own_gate(env)
    with Conn.open(target, 'anna', params=[('application_name', 'million')]) as c:
        c.rows('select id from customers limit 1')
        before = Sampler(g).now()
        s = Sampler(g)
        s.start()
        c.sock.settimeout(60)
        c.send(pgwire.query('select id, full_name, phone, email from customers c, generate_series(1, 500) i'))
        total, tail = drain(c)
        most = s.stop()
        true(b'SELECT 1000000\0' in tail, tail)
        print('bytes', total, 'RSS before', before, 'most', most)
        true(most - before < 48 * MB, 'RSS grew from %.1f to %.1f MB' % (before / MB, most / MB))
    reads = [e for e in g.session_entries('million', limit=30)['million'] if e['kind'] == 'read']
    equal(sum(e['rows'] for e in reads), 1000001)
    g.stop()


@test(gate=True, serial=True, timeout=120)
def slow_reader(env):
    """Who does not read stops his own backend, not the gate: bounded memory, and others are served meanwhile."""
    g, target = own_gate(env)
    with Conn.open(target) as warm:
        warm.rows('select id from customers limit 10')
    before = Sampler(g).now()
    slow = []
    for sql in ('select generate_series(1, 10000000)', 'select c.* from customers c, generate_series(1, 5000) i'):
        for tls in (True, False):
            c = Conn.open(target, tls=tls)
            c.send(pgwire.query(sql))
            slow.append(c)
    s = Sampler(g)
    s.start()
    for _ in range(20):
        time.sleep(0.15)
        true(works(target, 'bo'), 'nobody else is served')
    most = s.stop()
    print('RSS before', before, 'most', most)
    true(most - before < 32 * MB, 'RSS grew from %.1f to %.1f MB' % (before / MB, most / MB))
    until(lambda: int(env.cluster.psql("select count(*) from pg_stat_activity where wait_event = 'ClientWrite'")) >= 4, 20, 'four backends wait for their client')
    for c in slow:
        c.sock.close()
    until(lambda: env.cluster.psql("select count(*) from pg_stat_activity where wait_event = 'ClientWrite'") == '0', 20, 'their backends end')
    g.stop()


@test(gate=True, serial=True)
def big_values(env):
    """64 MB both ways without 64 MB in the gate."""
    g, target = own_gate(env)
    with Conn.open(target) as c:
        c.rows('select 1')
        before = Sampler(g).now()
        s = Sampler(g)
        s.start()
        c.sock.settimeout(60)
        c.send(pgwire.query("select repeat('x', 64 << 20)"))
        total, tail = drain(c)
        true(total > 64 * MB and b'SELECT 1\0' in tail, tail)
        value = bytes(64 << 20)
        c.send(pgwire.extended('select length($1::bytea)', [value], pformats=[1]))
        equal([pgwire.data_row(b) for k, b in c.read_until() if k == b'D'], [[b'67108864']])
        c.send(pgwire.query("select /* " + 'x' * (32 << 20) + " */ id from customers where id = 1"))
        equal(pgwire.kinds(c.read_until()), b'TDCZ')
        most = s.stop()
        print('RSS before', before, 'most', most)
        true(most - before < 24 * MB, 'RSS grew from %.1f to %.1f MB' % (before / MB, most / MB))
    g.stop()


@test(gate=True, serial=True, timeout=90)
def memory_of_sessions(env):
    """150 sessions opened and closed ten times leave nothing behind."""
    g, target = own_gate(env)

    def round_():
        keep = [Conn.open(target, tls=i % 2 == 0) for i in range(75)]
        for c in keep:
            c.rows('select id, phone from customers where id < 50')
        for c in keep:
            c.close()
    round_()
    round_()
    s = Sampler(g)
    before = s.now()
    for _ in range(5):
        round_()
    until(lambda: s.now() - before < 8 * MB, 10, 'no more than 8 MB above %.1f MB RSS' % (before / MB))
    print('RSS', before, s.now())
    g.stop()


@test(gate=True)
def prepared_statements_without_end(env):
    """A client that never closes its statements ends at a limit of its own session or goes on; it does not eat the gate."""
    with Conn.open(env.target) as c:
        n = 12000
        for i in range(0, n, 1000):
            c.send(b''.join(pgwire.parse('select %d' % j, 's%d' % j) for j in range(i, i + 1000)) + pgwire.SYNC)
            got = c.read_until()
            true(b'1' in pgwire.kinds(got) or pgwire.errors(got), got[:3])
        got = c.ask(pgwire.bind(name='s11999') + pgwire.execute() + pgwire.SYNC)
        equal([pgwire.data_row(b) for k, b in got if k == b'D'], [[b'11999']])
