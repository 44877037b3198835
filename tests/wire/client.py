"""The hostile client. PostgreSQL itself is the oracle where a session exists: what the gate answers to a message in a state must be what the
server answers, except that what the server calls a protocol violation (08P01) and survives may end the session at the gate."""
import os
import random
import socket
import ssl
import struct
import threading
import time

from lib import pgwire
from lib.pgwire import (COPY_DONE, FLUSH, SYNC, TERMINATE, Closed, Conn, bind, call, close, copy_data, copy_fail, cstr, describe, execute,
                        msg, parse, query)
from lib.stand import serves

LOGIN = [('user', 'bo'), ('database', 'shop')]
SSL = struct.pack('>II', 8, pgwire.SSL_REQUEST)
GSS = struct.pack('>II', 8, pgwire.GSS_REQUEST)
CANCEL = struct.pack('>IIII', 16, pgwire.CANCEL_REQUEST, 4711, 42)
STARTUP = pgwire.startup_packet(LOGIN)
EPILOGUE = SYNC + query("select 'epilogue'") + TERMINATE
LENGTHS = (0, 3, 4, 1 << 31, (1 << 31) - 1, 1 << 30, (1 << 32) - 1)

MESSAGES = {
    'Query': query('select 1'), 'Parse': parse('select 2'), 'Bind': bind(), 'Describe': describe(), 'Execute': execute(),
    'Close': close('S', 'x'), 'Sync': SYNC, 'Flush': FLUSH, 'FunctionCall': call(1299), 'CopyData': copy_data(b'1\n'),
    'CopyDone': COPY_DONE, 'CopyFail': copy_fail('no'), 'Password': msg(b'p', b'x\0'), 'Terminate': TERMINATE,
    'SSLRequest': SSL, 'StartupMessage': STARTUP, 'CancelRequest': CANCEL, 'ReadyForQuery': msg(b'Z', b'I'),
}


# -- states: each brings a new connection to where the hostile bytes begin

def fresh(t):
    return Conn(t, unix=True)


def after_ssl_request(t):
    c = Conn(t)
    c.send(SSL)
    if c.sock.recv(1) != b'S':
        raise AssertionError('no TLS')
    return c


def in_tls(t):
    c = Conn(t)
    c.start_tls()
    return c


def sasl_first(t):
    c = fresh(t)
    c.startup(LOGIN)
    kind, body = c.read()
    if kind != b'R' or body[:4] != b'\0\0\0\x0a':
        raise AssertionError('no SASL: %r %r' % (kind, body))
    return c


FIRST = b'n,,n=,r=abcdefghijklmnopqrstuvwx'
INITIAL = msg(b'p', cstr('SCRAM-SHA-256'), struct.pack('>I', len(FIRST)), FIRST)


def sasl_final(t):
    c = sasl_first(t)
    c.send(INITIAL)
    kind, _ = c.read()
    if kind != b'R':
        raise AssertionError('no SASL continuation')
    return c


def idle(t):
    return Conn.open(t, 'bo', unix=True)


def idle_tls(t):
    return Conn.open(t, 'bo')


def transaction(t):
    c = idle(t)
    c.ask(query('begin'))
    return c


def failed(t):
    c = transaction(t)
    c.ask(query('select 1/0'))
    return c


def copy_in(t):
    c = idle(t)
    c.ask(query('create temp table h (a text)'))
    c.send(query('copy h from stdin'))
    c.read_until(b'G')
    return c


def copy_in_extended(t):
    c = idle(t)
    c.ask(query('create temp table h (a text)'))
    c.send(parse('copy h from stdin') + bind() + execute() + FLUSH)
    c.read_until(b'G')
    return c


def copy_out(t):
    """The server has more to say than buffers hold, and nobody reads it yet."""
    c = idle(t)
    c.send(query("copy (select repeat('x', 100) from generate_series(1, 20000)) to stdout"))
    c.read_until(b'H')
    return c


def big_answer(t):
    c = idle(t)
    c.send(query("select id, full_name, phone from customers, generate_series(1, 10) g"))
    c.read_until(b'T')
    return c


def pipeline(t):
    c = idle(t)
    c.send(parse('select id from customers where id = $1', 'p') + bind([b'3'], name='p') + execute() + bind([b'4'], 'q', 'p'))
    return c


def pipeline_error(t):
    """The server skips everything up to the next Sync."""
    c = idle(t)
    c.send(parse('select 1/0') + bind() + execute() + FLUSH)
    c.read_until(b'E')
    return c


def suspended(t):
    c = idle(t)
    c.send(parse('select generate_series(1, 9)') + bind() + execute(rows=2) + FLUSH)
    c.read_until(b's')
    return c


BEFORE = [fresh, after_ssl_request, in_tls, sasl_first, sasl_final]
SESSION = [idle, idle_tls, transaction, failed, copy_in, copy_in_extended, copy_out, big_answer, pipeline, pipeline_error, suspended]
ANSWERING = (copy_out, big_answer)


# -- what comes back

def to_the_end(c, limit=15):
    """All whole messages until the peer ends the connection. None: it does not end."""
    out, end = [], time.monotonic() + limit
    c.sock.settimeout(limit)
    try:
        while time.monotonic() < end:
            out.append(c.read())
    except (Closed, ConnectionError, ssl.SSLError, OSError) as e:
        if isinstance(e, TimeoutError):
            return None
        return out
    return None


def send(c, data):
    try:
        c.send(data)
    except (OSError, ssl.SSLError):
        pass


def half_close(c):
    try:
        c.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def conversation(target, state, data, epilogue=EPILOGUE, patience=3):
    """Whole messages that come back. Terminate ends the session; where it is swallowed, the end of the client's side does."""
    c = state(target)
    try:
        send(c, data)
        if epilogue:
            send(c, epilogue)
        got = to_the_end(c, patience)
        if got is None and epilogue:
            half_close(c)
            got = to_the_end(c)
        return got
    finally:
        c.sock.close()


def shape(messages):
    """Messages, comparable: of an error its severity and code, and nothing of what differs from session to session."""
    out = []
    for kind, body in messages:
        if kind == b'E':
            f = pgwire.error_fields(body)
            out.append((kind, f.get('S'), f.get('C')))
        elif kind in b'DdT':
            out.append((kind, body))
        else:
            out.append((kind, body if kind in b'CZSI' else b''))
    return out


def agree(got, want, midway=False):
    """None, or how the gate's conversation differs from the server's. midway: an answer was on its way; in the middle of one of its messages
    the gate cannot say anything any more."""
    if got is None or want is None:
        return None if got is want else ('the gate does not end the session' if got is None else 'PostgreSQL does not end it')
    got, want = shape(got), shape(want)
    if got == want:
        return None
    for i, m in enumerate(want):
        if m[0] == b'E' and m[2] == '08P01':
            # Everything before it is the same, or is left out because a framing error ends the session at once.
            last = got[-1] if got else None
            if last == (b'E', 'FATAL', '08P01') and got[:-1] == want[:len(got) - 1] and len(got) - 1 <= i:
                return None
            if midway and got == want[:len(got)] and len(got) <= i:
                return None
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    return 'message %d: gate %s, PostgreSQL %s' % (at, str(got[at:at + 3])[:200], str(want[at:at + 3])[:200])


def refused(got):
    """The session ended with FATAL 08P01."""
    return bool(got) and shape(got[-1:]) == [(b'E', 'FATAL', '08P01')]


# -- the gate as a whole

class Watch:
    """The gate between two groups of tests: same process, good clients served, memory, descriptors and backends as before."""

    def __init__(self, stand, g, target, user_of_backends='bo'):
        self.stand, self.g, self.target, self.user = stand, g, target, user_of_backends
        self.old = Conn.open(target, 'anna', params=[('application_name', 'bystander')])
        for _ in range(20):
            serves(target)
        self.pid, self.rss, self.fds = g.role_pid('gate'), g.rss(), self.descriptors()
        self.bound = (300 if stand.sanitized else 32) << 20

    def descriptors(self):
        return len(os.listdir('/proc/%d/fd' % self.g.role_pid('gate')))

    def backends(self):
        return int(self.stand.cluster.psql("select count(*) from pg_stat_activity where usename = '%s'" % self.user))

    def faults(self):
        out = []
        if self.g.role_pid('gate') != self.pid:
            out.append('the gate is another process now: %s' % self.g.log_tail())
            self.pid = self.g.role_pid('gate')
            return out
        try:
            if self.old.rows('select 8') != [[b'8']]:
                out.append('the bystander gets wrong answers')
        except Exception as e:
            out.append('the bystander lost its session: %s' % e)
            self.old = Conn.open(self.target, 'anna')
        for how in ({}, {'unix': True}):
            wrong = serves(self.target, **how)
            if wrong:
                out.append('a good client is not served%s: %s' % (' over the Unix socket' if how else '', wrong))
        end = time.monotonic() + 10
        while (self.descriptors() > self.fds + 2 or self.backends() > 0) and time.monotonic() < end:
            time.sleep(0.05)
        if self.descriptors() > self.fds + 2:
            out.append('%d descriptors open, %d at the start' % (self.descriptors(), self.fds))
        if self.backends() > 0:
            out.append('%d backends of sessions that are gone' % self.backends())
        if self.g.rss() > self.rss + self.bound:
            out.append('memory: %d KiB, %d at the start' % (self.g.rss() >> 10, self.rss >> 10))
        return out


# -- the tests

def messages_in_sessions(tap, stand, target, direct, watch, args):
    for state in SESSION:
        name = 'client.messages.' + state.__name__
        if not tap.wanted(name):
            continue
        faults = []
        for what, data in MESSAGES.items():
            wrong = agree(conversation(target, state, data), conversation(direct, state, data), state in ANSWERING)
            if wrong:
                faults.append('%s: %s' % (what, wrong))
        tap.result(name, faults + watch.faults(), '%d messages, each as PostgreSQL has it' % len(MESSAGES))


def types(tap, stand, target, direct, watch, args):
    name = 'client.types'
    if not tap.wanted(name):
        return
    faults = []
    known = {m[0] for m in MESSAGES.values()}
    for t in range(256):
        if t not in known or bytes([t]) in b'dcfHS':
            data = bytes([t]) + struct.pack('>I', 4)
            got = conversation(target, idle, data)
            wrong = agree(got, conversation(direct, idle, data))
            if wrong and not (t == ord('f') and refused(got)):  # CopyFail without its text; PostgreSQL does not look
                faults.append('type %d: %s' % (t, wrong))
    tap.result(name, faults + watch.faults(), 'every type byte with an empty payload')


def lengths(tap, stand, target, direct, watch, args):
    for state in SESSION:
        name = 'client.lengths.' + state.__name__
        if not tap.wanted(name):
            continue
        faults, count = [], 0
        kinds = sorted({m[:1] for k, m in MESSAGES.items() if k not in ('SSLRequest', 'StartupMessage', 'CancelRequest')})
        if not args.full and state not in (idle, copy_in, pipeline):
            kinds = [b'Q', b'B', b'd', b'S', b'Z']
        for kind in kinds:
            for n in LENGTHS:
                data = kind + struct.pack('>I', n)
                got = conversation(target, state, data, epilogue=b'' if n > 4 else EPILOGUE)
                count += 1
                if n > 4 and got is None:
                    faults.append('%s with length %#x: the session goes on' % (kind, n))
                elif n != 4 and state not in ANSWERING and not refused(got):
                    # PostgreSQL says it only in its log; the gate says it to the client.
                    faults.append('%s with length %#x: ends with %s' % (kind, n, str(got[-1:])[:200]))
                elif n == 4 and not (kind in b'BCDEFPQZpf' and refused(got)):
                    wrong = agree(got, conversation(direct, state, data), state in ANSWERING)
                    if wrong:
                        faults.append('%s with length %d: %s' % (kind, n, wrong))
        tap.result(name, faults + watch.faults(), '%d wrong lengths' % count)


def gigabyte(tap, stand, target, direct, watch, args):
    """Just under the ceiling: legal, so the session waits for the rest; it must not cost memory before that comes."""
    name = 'client.gigabyte'
    if not tap.wanted(name):
        return
    faults, held = [], []
    before = watch.g.rss()
    for kind in (b'Q', b'P', b'B', b'F', b'd'):
        for _ in range(8):
            c = idle(target)
            send(c, kind + struct.pack('>I', 0x3ffffff0) + b'\0' * 4000)
            held.append(c)
    time.sleep(0.3)
    if watch.g.rss() > before + (24 << 20) * (8 if stand.sanitized else 1):
        faults.append('40 prefixes of 1 GB cost %d KiB' % ((watch.g.rss() - before) >> 10))
    for c in held:
        c.sock.close()
    tap.result(name, faults + watch.faults(), '40 announcements of 1 GB at once')


def before_login(tap, stand, target, direct, watch, args):
    """Before there is a session everything wrong ends the connection, without waiting for the client to end it."""
    for state in BEFORE:
        name = 'client.messages.' + state.__name__
        if not tap.wanted(name):
            continue
        faults, count = [], 0
        cases = dict(MESSAGES)
        for n in LENGTHS + (5, 7, 8, 9, 10001, 10005):
            if state in (sasl_first, sasl_final):
                cases['length %#x' % n] = b'p' + struct.pack('>I', n) + b'\0' * 64
            else:
                cases['length %#x' % n] = struct.pack('>II', n, 0x30000) + b'\0' * 64
        if state in (fresh, in_tls):
            for version in (0, 0x10000, 0x20000, 0x30000 + 99, 0x40000, 0x2ffff, 0xffffffff, 80877100, 80877105):
                cases['version %#x' % version] = struct.pack('>II', 9 + len(b'user\0bo\0'), version) + b'user\0bo\0\0'
            del cases['StartupMessage']
            if state is fresh:
                del cases['SSLRequest']  # on the Unix socket it is answered N, and the next packet is waited for
        if state is in_tls:
            cases['GSSENCRequest'] = GSS + b'\0' * 16
        for what, data in cases.items():
            c = state(target)
            send(c, data)
            got = to_the_end(c, 6 if len(data) >= 8 and not what.startswith('length') else 0.3)
            count += 1
            if got is None:
                # A message that is only a beginning may wait for its rest: then its end must be the end.
                half_close(c)
                got = to_the_end(c, 6)
                legal = len(data) < 8 or what in ('GSSENCRequest', 'version 0x30063') or what.startswith('length')
                if got is None or not legal:
                    faults.append('%s: the connection stays open' % what)
            for kind, body in got or []:
                if kind == b'E':
                    f = pgwire.error_fields(body)
                    if f.get('S') != 'FATAL' or not f.get('M') or len(f.get('C', '')) != 5:
                        faults.append('%s: error %r' % (what, body))
                elif kind not in (b'R', b'v'):
                    faults.append('%s: answered with %r' % (what, kind))
            c.sock.close()
        tap.result(name, faults + watch.faults(), '%d beginnings that are none' % count)


def sasl(tap, stand, target, direct, watch, args):
    name = 'client.sasl'
    if not tap.wanted(name):
        return
    faults = []
    first = [b'', b'SCRAM-SHA-256', b'SCRAM-SHA-256\0', b'SCRAM-SHA-256\0\xff\xff\xff\xff', b'SCRAM-SHA-256\0\x7f\xff\xff\xff' + FIRST,
             b'SCRAM-SHA-256\0\0\0\0\0', b'SCRAM-SHA-1\0' + struct.pack('>I', len(FIRST)) + FIRST, b'\0' * 9,
             b'SCRAM-SHA-256-PLUS\0' + struct.pack('>I', len(FIRST)) + FIRST, b'SCRAM-SHA-256\0' + struct.pack('>I', len(FIRST) - 1) + FIRST,
             b'SCRAM-SHA-256\0\x80\0\0\0' + FIRST, b'bo-Secret-2\0']
    for data in (b'n,,', b'n,,n=', b'n,,n=,r=', b'y,,n=,r=', b'p=tls-server-end-point,,n=,r=abc', b'n,a=root,n=,r=abcdef', b'n,,m=x,n=,r=abcdef',
                 b'n,,n=bo,r=a\0b', b'n,,n=,r=' + b'x' * 9000, b'n,,r=abc,n=', b'n,,n=,r=\xff\xfe', b'n,,n=,r=a,r=b', b'q,,n=,r=abc', b',,,,,'):
        first.append(cstr('SCRAM-SHA-256') + struct.pack('>I', len(data)) + data)
    final = [b'', b'c=', b'c=biws', b'c=biws,r=', b'c=biws,r=NONCE', b'c=biws,r=NONCE,p=', b'c=biws,r=NONCE,p=AA==', b'c=biws,r=NONCE,p=!!!!',
             b'c=AAAA,r=NONCE,p=' + b'A' * 43 + b'=', b'c=biws,r=NONCEx,p=' + b'A' * 43 + b'=', b'c=biws,r=NONCE,x=y,p=' + b'A' * 44,
             b'c=biws,r=NONCE,p=' + b'A' * 43 + b'=,q=1', b'r=NONCE,c=biws,p=' + b'A' * 43 + b'=', b'c=biws,r=NONCE,p=' + b'A' * 9000]
    cases = [(sasl_first, x) for x in first] + [(sasl_final, x) for x in final]
    for state, data in cases:
        if state is sasl_first:
            c = sasl_first(target)
        else:
            c = sasl_first(target)
            c.send(INITIAL)
            _, body = c.read()
            data = data.replace(b'NONCE', body[4:].split(b',')[0][2:])
        send(c, msg(b'p', data))
        got = to_the_end(c, 1)
        if got is None:  # a first message with odd contents may still be answered; then the next step must fail
            send(c, msg(b'p', b'c=biws,r=none,p=AA=='))
            got = to_the_end(c, 5)
        c.sock.close()
        if not got and got is not None:
            faults.append('%s %r: ends without a word' % (state.__name__, data[:60]))
        elif got is None or got[-1][0] != b'E' or pgwire.error_fields(got[-1][1])['C'] not in ('08P01', '28P01', '28000', '42601'):
            faults.append('%s %r: %s' % (state.__name__, data[:60], got and got[-1]))
        wrong = serves(target, unix=True)  # a good log-in takes the back-off away
        if wrong:
            faults.append('after %s %r: %s' % (state.__name__, data[:60], wrong))
    tap.result(name, faults + watch.faults(), '%d SASL messages that prove nothing' % len(cases))


def truncated(tap, stand, target, direct, watch, args):
    def cut(state, data, at, reset):
        c = state(target)
        send(c, data[:at])
        if reset and c.sock.family == socket.AF_INET:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        c.sock.close()
    groups = [('fresh', fresh, {'StartupMessage': STARTUP, 'CancelRequest': CANCEL, 'SSLRequest': SSL}),
              ('in_tls', in_tls, {'StartupMessage': STARTUP}),
              ('sasl_first', sasl_first, {'SASLInitialResponse': INITIAL}),
              ('sasl_final', sasl_final, {'SASLResponse': msg(b'p', b'c=biws,r=abcdef,p=' + b'A' * 43 + b'=')})]
    long_ones = dict(MESSAGES, Bind=bind([b'12', None], pformats=(0, 1), rformats=(1,)), Parse=parse('select $1', 'n', [25]),
                     FunctionCall=call(1299, [b'a'], [0], 1))
    groups += [(s.__name__, s, long_ones) for s in SESSION]
    for label, state, cases in groups:
        name = 'client.truncated.' + label
        if not tap.wanted(name):
            continue
        count = 0
        everywhere = args.full or state in (fresh, sasl_first, sasl_final, idle)
        for data in cases.values():
            places = range(len(data)) if everywhere else sorted({1, 4, 5, len(data) // 2, len(data) - 1} & set(range(len(data))))
            for at in places:
                cut(state, data, at, at % 2)
                count += 1
        tap.result(name, watch.faults(), 'closed after %d beginnings' % count)
    name = 'client.truncated.tls'
    if tap.wanted(name):
        hello = client_hello()
        for at in range(0, len(hello), 1 if args.full else 7):
            for data in (SSL, b''):
                c = Conn(target)
                if data:
                    c.send(data)
                    c.sock.recv(1)
                send(c, hello[:at])
                c.sock.close()
        tap.result(name, watch.faults(), 'ClientHello cut short')


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_alpn_protocols(['postgresql'])
    o = context.wrap_bio(incoming, outgoing, server_hostname='localhost')
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def garbage(tap, stand, target, direct, watch, args):
    rng = random.Random(args.seed)
    for state in BEFORE + [idle, idle_tls, copy_in, pipeline]:
        name = 'client.garbage.' + state.__name__
        if not tap.wanted(name):
            continue
        faults, n = [], 300 if args.full else 60
        for _ in range(n):
            data = rng.randbytes(rng.choice((1, 5, 8, 30, 200, 3000, 20000)))
            c = state(target)
            send(c, data)
            half_close(c)
            if to_the_end(c, 20) is None:
                faults.append('%r: the connection stays open' % data[:40])
            c.sock.close()
        tap.result(name, faults + watch.faults(), '%d times' % n)
    name = 'client.mutated'
    if tap.wanted(name):
        script = (query('begin') + parse('select id, phone from customers where id = $1', 's', [20]) + describe('S', 's') + bind([b'5'], name='s')
                  + execute() + SYNC + query('select 1; select 2') + bind([b'6'], 'c', 's') + describe('P', 'c') + execute('c', 1) + close('P', 'c')
                  + SYNC + call(1299) + query('copy (select 1) to stdout') + query('rollback'))
        faults, n = [], 1500 if args.full else 300
        for i in range(n):
            data = bytearray(script)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(data))
                how = rng.randrange(4)
                if how == 0:
                    data[at] = rng.randrange(256)
                elif how == 1:
                    data[at] ^= 1 << rng.randrange(8)
                elif how == 2:
                    del data[at:at + rng.randint(1, 9)]
                else:
                    data[at:at] = rng.randbytes(rng.randint(1, 9))
            c = idle(target)
            send(c, bytes(data))
            half_close(c)
            if to_the_end(c, 20) is None:
                faults.append('%d: the connection stays open: %s' % (i, bytes(data).hex()))
            c.sock.close()
        tap.result(name, faults + watch.faults(), '%d sessions with changed bytes' % n)


def drip(tap, stand, target, direct, watch, args):
    """Fifty clients that send one byte at a time, all of it right: all are served, and nobody else waits."""
    name = 'client.drip'
    if not tap.wanted(name):
        return
    faults, lock = [], threading.Lock()

    def one(i):
        try:
            c = idle(target)
            for data in (query('select %d' % i), parse('select $1::int', '', [23]) + bind([b'%d' % i]) + execute() + SYNC):
                for b in data:
                    c.send(bytes([b]))
                    time.sleep(0.004)
                got = [pgwire.data_row(body) for kind, body in c.read_until(b'Z') if kind == b'D']
                if got != [[b'%d' % i]]:
                    raise AssertionError('got %r' % got)
            c.close()
        except Exception as e:
            with lock:
                faults.append('client %d: %s' % (i, e))
    threads = [threading.Thread(target=one, args=(i,)) for i in range(50)]
    for t in threads:
        t.start()
    slowest = 0
    while any(t.is_alive() for t in threads):
        began = time.monotonic()
        wrong = serves(target)
        slowest = max(slowest, time.monotonic() - began)
        if wrong:
            faults.append(wrong)
        time.sleep(0.02)
    if slowest > (10 if stand.sanitized else 4):
        faults.append('another client waited %.1f s' % slowest)
    tap.result(name, faults + watch.faults(), '50 clients; others waited %.2f s at most' % slowest)


def floods(tap, stand, target, direct, watch, args):
    """More than anybody needs of what is legal: memory stays bounded because nobody reads ahead."""
    name = 'client.flood'
    if not tap.wanted(name):
        return
    faults = []
    before = watch.g.rss()
    held = []
    chunk = (query("select repeat('x', 2000)")) * 2000
    for data in (SYNC * 60000, chunk, FLUSH * 60000, (parse('select 1', 'x') + close('S', 'x')) * 3000,
                 b''.join(parse('select %d' % i, 's%d' % i) for i in range(12000)), describe('S', 'none') * 20000):
        c = idle(target)
        c.sock.setblocking(False)
        at = 0
        end = time.monotonic() + 2
        while at < len(data) and time.monotonic() < end:  # nobody reads the answers
            try:
                at += c.sock.send(data[at:at + 65536])
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break
        held.append(c)
    grown = watch.g.rss() - before
    if grown > (64 << 20) * (6 if stand.sanitized else 1):
        faults.append('memory grew by %d KiB' % (grown >> 10))
    for c in held:
        c.sock.close()
    tap.result(name, faults + watch.faults(), '6 clients that ask and do not listen cost %d KiB' % (grown >> 10))


TESTS = [messages_in_sessions, types, lengths, gigabyte, before_login, sasl, truncated, garbage, drip, floods]


def run(tap, stand, args):
    if not any(tap.wanted(n) for n in ('client',)) and not any(w.startswith('client') for w in args.only):
        return
    g, target = stand.gate('gc', login_timeout='8s', max_unauthenticated='1000')
    watch = Watch(stand, g, target)
    for test in TESTS:
        test(tap, stand, target, stand.direct(), watch, args)
    watch.old.close()
