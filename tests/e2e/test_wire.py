"""The protocol at the level of messages: start-up, negotiation, TLS, cancel, and what must be refused."""
import os
import socket
import ssl
import struct
import time

from lib import pgwire
from lib.env import PASSWORDS, Skip, asleep, backend, equal, test, true, until
from lib.pgwire import Conn, ServerError


def refused(env, packet, unix=False, code=None):
    """The packet as the first bytes of a connection: an error or nothing, then the end; and the server lives on."""
    c = Conn(env.target, unix)
    try:
        c.send(packet)
        got = []
        try:
            while True:
                got.append(c.read())
        except (pgwire.Closed, ConnectionError):
            pass
    finally:
        c.sock.close()
    found = pgwire.errors(got)
    if code:
        true(found and found[0].get('C') in (code if isinstance(code, tuple) else (code,)), 'answered %s' % (found or got))
    true(not any(kind == b'Z' for kind, _ in got), 'it let us in')
    equal(alive(env), [[b'1']])
    return found


def alive(env):
    with Conn.open(env.target) as c:
        return c.rows('select 1')


@test()
def scram_plus_and_plain(env):
    for plus in (True, False):
        with Conn.open(env.target, plus=plus) as c:
            true('SCRAM-SHA-256' in c.mechanisms and 'SCRAM-SHA-256-PLUS' in c.mechanisms, c.mechanisms)
            equal(c.rows('select current_user'), [[b'anna']])
    with Conn.open(env.target, tls=False) as c:
        equal(c.mechanisms, ['SCRAM-SHA-256'])
    with Conn.open(env.target, unix=True) as c:
        equal(c.mechanisms, ['SCRAM-SHA-256'])


@test()
def channel_binding_to_another_certificate(env):
    c = Conn(env.target)
    c.start_tls()
    c.channel = bytes(32)
    c.startup([('user', 'anna'), ('database', 'shop')])
    try:
        c.login(PASSWORDS['anna'], True)
        true(False, 'logged in with a wrong channel binding')
    except ServerError as e:
        true(e.code in ('28P01', '28000'), e)


@test()
def wrong_passwords_look_alike(env):
    """An unknown user, a role without password and a wrong password are told apart by nothing but the name."""
    answers = []
    for user in ('anna', 'nobody_here', 'nopass', 'x' * 60):
        c = Conn(env.target)
        c.start_tls()
        c.startup([('user', user), ('database', 'shop')])
        first = c.read()
        equal(first[0], b'R')
        c._first = first
        nonce = b'abcdefghijklmnop'
        message = b'n,,n=,r=' + nonce
        c.send(pgwire.msg(b'p', pgwire.cstr('SCRAM-SHA-256'), struct.pack('>I', len(message)), message))
        kind, body = c.read()
        equal(kind, b'R', user)
        words = dict(p.split(b'=', 1) for p in body[4:].split(b','))
        c.send(pgwire.msg(b'p', b'c=biws,r=' + words[b'r'] + b',p=' + b'A' * 43 + b'='))
        kind, body = c.read()
        equal(kind, b'E')
        fields = pgwire.error_fields(body)
        answers.append((first, words[b'i'], len(words[b's']), fields['C'], fields['M'].replace(user, 'USER')))
        true(c.closed(), 'still open')
    equal(len(set(answers)), 1, 'answers %s' % answers)


@test()
def mock_salt_is_stable(env):
    salts = set()
    for _ in range(3):
        c = Conn(env.target)
        c.startup([('user', 'nobody_here'), ('database', 'shop')])
        c.read()
        c.send(pgwire.msg(b'p', pgwire.cstr('SCRAM-SHA-256'), struct.pack('>I', 13), b'n,,n=,r=abcde'))
        kind, body = c.read()
        salts.add(dict(p.split(b'=', 1) for p in body[4:].split(b','))[b's'])
        c.sock.close()
    equal(len(salts), 1)


@test()
def start_up_messages(env):
    with Conn.open(env.target, params=[('application_name', 'wire'), ('TimeZone', 'Asia/Tokyo'), ('options', '-c extra_float_digits=0')]) as c:
        got = c.parameters
        equal((got['application_name'], got['TimeZone'], got['session_authorization'], got['is_superuser']), ('wire', 'Asia/Tokyo', 'anna', 'off'))
        true(got['server_version'].startswith('15') and got['standard_conforming_strings'] == 'on' and len(c.key) == 8, got)
        equal(c.rows('show extra_float_digits'), [[b'0']])


@test(gate=True)
def gssenc_declined(env):
    for then_tls in (False, True):
        c = Conn(env.target)
        c.send(struct.pack('>II', 8, pgwire.GSS_REQUEST))
        equal(c.sock.recv(10), b'N')
        if then_tls:
            c.start_tls()
        c.startup([('user', 'anna'), ('database', 'shop')])
        c.login(PASSWORDS['anna'])
        c.ready()
        equal(c.rows('select 1'), [[b'1']])
        c.close()


@test()
def ssl_on_the_unix_socket(env):
    c = Conn(env.target, unix=True)
    c.send(struct.pack('>II', 8, pgwire.SSL_REQUEST))
    equal(c.sock.recv(10), b'N')
    c.startup([('user', 'anna'), ('database', 'shop')])
    c.login(PASSWORDS['anna'])
    c.ready()
    c.close()


@test()
def surplus_after_ssl_request(env):
    """Bytes sent with the SSLRequest would be plaintext taken for TLS (CVE-2021-23214): the connection must end."""
    c = Conn(env.target)
    c.send(struct.pack('>II', 8, pgwire.SSL_REQUEST) + pgwire.startup_packet([('user', 'anna'), ('database', 'shop')]))
    answer = c.sock.recv(1)
    true(answer in (b'', b'S', b'E'), answer)
    if answer == b'S':
        context = env.target.tls()
        try:
            c.sock = context.wrap_socket(c.sock, server_hostname='localhost')
            c.send(pgwire.startup_packet([('user', 'anna'), ('database', 'shop')]))
            true(c.closed(5), 'TLS went on after surplus plaintext')
        except (ssl.SSLError, ConnectionError, OSError):
            pass
    c.sock.close()
    equal(alive(env), [[b'1']])


@test(gate=True)
def second_ssl_request(env):
    c = Conn(env.target)
    c.start_tls()
    c.send(struct.pack('>II', 8, pgwire.SSL_REQUEST))
    true(c.closed(5), 'a second SSLRequest inside TLS was taken')


@test(gate=True)
def direct_tls(env):
    c = Conn(env.target)
    c.start_tls(alpn=['postgresql'], direct=True)
    equal(c.sock.selected_alpn_protocol(), 'postgresql')
    c.startup([('user', 'anna'), ('database', 'shop')])
    c.login(PASSWORDS['anna'], True)
    c.ready()
    equal(c.rows('select 1'), [[b'1']])
    c.close()
    # Without ALPN, or with another protocol's name, direct TLS is refused (ALPACA).
    for alpn in (None, ['http/1.1']):
        c = Conn(env.target)
        try:
            c.start_tls(alpn=alpn, direct=True)
            c.startup([('user', 'anna'), ('database', 'shop')])
            true(c.closed(5), 'direct TLS with ALPN %s was taken' % alpn)
        except (ssl.SSLError, ConnectionError, OSError):
            pass
        c.sock.close()


@test(gate=True)
def old_tls_refused(env):
    import warnings
    warnings.simplefilter('ignore')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(env.target.ca)
    try:
        context.set_ciphers('DEFAULT:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    except (ssl.SSLError, ValueError):
        raise Skip('this OpenSSL has no TLS 1.1')
    c = Conn(env.target)
    try:
        c.start_tls(context=context)
        true(False, 'TLS 1.1 was taken')
    except (ssl.SSLError, ConnectionError, OSError):
        pass


@test(gate=True)
def duplicate_start_up_keys(env):
    for params in ([('user', 'anna'), ('user', 'bo')], [('user', 'anna'), ('database', 'shop'), ('database', 'postgres')],
                   [('user', 'anna'), ('application_name', 'a'), ('application_name', 'b')]):
        refused(env, pgwire.startup_packet(params), code='08P01')


@test(gate=True)
def unlisted_start_up_parameters(env):
    for name in ('session_preload_libraries', 'debug_print_plan', 'role', 'whatever'):
        found = refused(env, pgwire.startup_packet([('user', 'anna'), ('database', 'shop'), (name, 'on')]))
        true(found and name in found[0]['M'], found)


@test(gate=True)
def replication_refused(env):
    for value in ('true', 'database', '1', 'on'):
        found = refused(env, pgwire.startup_packet([('user', 'dba'), ('database', 'shop'), ('replication', value)]))
        true(found and 'replication' in found[0]['M'].lower(), found)


@test()
def database_that_is_not_served(env):
    c = Conn(env.target)
    c.startup([('user', 'anna'), ('database', 'elsewhere')])
    try:
        c.login(PASSWORDS['anna'])
        c.ready()
        true(False, 'it let us in')
    except ServerError as e:
        equal(e.code, '3D000')


@test()
def malformed_start_ups(env):
    good = pgwire.startup_packet([('user', 'anna'), ('database', 'shop')])
    cut = struct.pack('>I', len(good) - 5) + good[4:-5]
    for name, packet in (('length 0', struct.pack('>I', 0)), ('length 3', struct.pack('>II', 3, 0)), ('length 7', struct.pack('>I', 7) + b'abc'),
                         ('length 2^31', struct.pack('>II', 1 << 31, 196608)), ('length 2^32-1', b'\xff' * 8), ('no final zero', cut),
                         ('no user', pgwire.startup_packet([('database', 'shop')])), ('protocol 2', pgwire.startup_packet([('user', 'anna')], 0x20000)),
                         ('protocol 4', pgwire.startup_packet([('user', 'anna')], 0x40000)), ('http', b'GET / HTTP/1.0\r\n\r\n'), ('zeros', bytes(64)),
                         ('message instead', pgwire.query('select 1'))):
        print(name, refused(env, packet))


@test()
def passwords_that_are_none(env):
    for payload in (b'', b'\0', b'md5abc\0', pgwire.cstr('SCRAM-SHA-1') + struct.pack('>I', 5) + b'n,,n=', pgwire.cstr('SCRAM-SHA-256') + struct.pack('>I', 1 << 30),
                    pgwire.cstr('SCRAM-SHA-256') + struct.pack('>I', 9) + b'n,,r=\0abc', pgwire.cstr('SCRAM-SHA-256') + struct.pack('>i', -1)):
        c = Conn(env.target)
        c.startup([('user', 'anna'), ('database', 'shop')])
        c.read()
        c.send(pgwire.msg(b'p', payload))
        try:
            while True:
                kind, body = c.read()
                true(kind == b'E' or (kind == b'R' and struct.unpack('>I', body[:4])[0] == 11), 'answered %r' % kind)
                if kind == b'R':  # an empty first message asks the client to send its first; then nothing valid follows
                    c.send(pgwire.msg(b'p', b'rubbish'))
        except (pgwire.Closed, ConnectionError):
            pass
        c.sock.close()
    equal(alive(env), [[b'1']])


@test(gate=True)
def protocol_32(env):
    """A client of PostgreSQL 18 asks for 3.2: the gate either speaks it (keys may be longer than 4 bytes) or negotiates 3.0."""
    with Conn.open(env.target, version=pgwire.PROTOCOL_32) as c:
        length = len(c.key)
        true(hasattr(c, 'negotiated') and length == 8 or 8 <= length <= 260, 'key of %d bytes' % length)
        equal(c.rows('select 1'), [[b'1']])
        true(cancels(env, c), 'a key of protocol 3.2 did not cancel')
    with Conn.open(env.target, version=pgwire.PROTOCOL_32, params=[('_pq_.wished', '1'), ('_pq_.also', 'x')]) as c:
        version, count = struct.unpack_from('>II', c.negotiated)
        equal((count, c.negotiated[8:]), (2, b'_pq_.wished\0_pq_.also\0'))
        true(version in (pgwire.PROTOCOL_30, pgwire.PROTOCOL_32), hex(version))


@test()
def protocol_minor_and_options(env):
    with Conn.open(env.target, version=0x30009, params=[('_pq_.wished', '1')]) as c:
        version, count = struct.unpack_from('>II', c.negotiated)
        true(version in (pgwire.PROTOCOL_30, pgwire.PROTOCOL_32) and count == 1 and c.negotiated[8:] == b'_pq_.wished\0', c.negotiated)
        equal(c.rows('select 1'), [[b'1']])


def cancels(env, c, key=None):
    """Whether a CancelRequest with `key` (default: the session's own) ends a statement of c."""
    pid = backend(c)
    c.send(pgwire.query('select pg_sleep(%s)' % (1.5 if key else 15)))
    asleep(env.cluster, pid)
    pgwire.cancel(env.target, key or c.key)
    found = pgwire.errors(c.read_until())
    if found:
        equal(found[0]['C'], '57014')
    return bool(found)


@test()
def cancel_own_session_only(env):
    with Conn.open(env.target) as a, Conn.open(env.target, 'bo', unix=True) as b:
        pid = backend(b)
        b.send(pgwire.query('select pg_sleep(2)'))
        asleep(env.cluster, pid)
        true(cancels(env, a), 'the own key did not cancel')
        equal(pgwire.errors(b.read_until()), [], 'the other session was cancelled')
        equal(a.rows('select 7'), [[b'7']])


@test()
def cancel_with_wrong_key(env):
    with Conn.open(env.target) as c:
        pid, secret = c.key[:4], c.key[4:]
        true(not cancels(env, c, pid + bytes([secret[0] ^ 1]) + secret[1:]), 'a wrong secret cancelled')
        for key in (struct.pack('>I', struct.unpack('>I', pid)[0] ^ 1) + secret, bytes(8), b'\xff' * 8):
            pgwire.cancel(env.target, key)
        equal(c.rows('select 7'), [[b'7']])


@test(gate=True)
def cancel_malformed(env):
    for key in (b'', b'abc', bytes(7), bytes(257), bytes(4)):
        pgwire.cancel(env.target, key)
    equal(alive(env), [[b'1']])


@test(gate=True)
def cancel_keys_are_the_gates_own(env):
    keys = set()
    for _ in range(8):
        with Conn.open(env.target) as c:
            keys.add(c.key)
            pid = struct.unpack('>i', c.key[:4])[0]
            true(c.rows('select pg_backend_pid()') != [[str(pid).encode()]], "the backend's own process id was handed out")
    equal(len(keys), 8)


@test(gate=True)
def cancel_when_idle_hits_nothing(env):
    with Conn.open(env.target) as c:
        pgwire.cancel(env.target, c.key)
        time.sleep(0.2)
        equal(c.rows('select 1'), [[b'1']])


def broken_after_login(env, data):
    c = Conn.open(env.target)
    c.send(data)
    got, ended = [], False
    c.sock.settimeout(5)
    try:
        while True:
            got.append(c.read())
    except (pgwire.Closed, ConnectionError):
        ended = True
    except TimeoutError:
        pass
    c.sock.close()
    return pgwire.errors(got), ended


@test()
def malformed_messages(env):
    """What PostgreSQL treats as a lost connection ends the session with 08P01; the process and other sessions live on."""
    for name, data in (('unknown type', b'\x01' + struct.pack('>I', 4)), ('length 0', b'Q' + struct.pack('>I', 0)), ('length 3', b'Q' + struct.pack('>I', 3)),
                       ('length 2^31', b'Q' + struct.pack('>I', 1 << 31)), ('length 2^32-1', b'Q' + b'\xff' * 4), ('long Sync', b'S' + struct.pack('>I', 1 << 20)),
                       ('password late', pgwire.msg(b'p', b'x\0'))):
        found, ended = broken_after_login(env, data)
        print(name, found, ended)
        true(ended, name + ': the session goes on')
    equal(alive(env), [[b'1']])


@test()
def gigabyte_prefix(env):
    """A length just under the ceiling and no bytes behind it costs nobody but its sender."""
    keep = [Conn.open(env.target) for _ in range(4)]
    for c in keep:
        c.send(b'Q' + struct.pack('>I', 0x3fffffff) + b'select')
    if env.target.gate:
        true(env.target.gate.rss() < 500 << 20, 'RSS %d' % env.target.gate.rss())
    equal(alive(env), [[b'1']])
    for c in keep:
        c.sock.close()


@test()
def bytewise(env):
    """Every byte in a segment of its own."""
    c = Conn.open(env.target, tls=False)
    for data in (pgwire.query('select 1'), pgwire.extended('select $1::int, id from customers where id = 3', [b'5'])):
        for b in data:
            c.send(bytes([b]))
        equal(pgwire.errors(c.read_until()), [])
    c.close()


@test()
def terminated_in_the_middle(env):
    """A client that goes away in the middle of an answer, a COPY, a message: its backend goes too."""
    def count():
        return int(env.cluster.psql("select count(*) from pg_stat_activity where application_name = 'goes-away'"))
    for data in (pgwire.query('select * from generate_series(1, 10000000)'), pgwire.query('copy scratch from stdin'), pgwire.query('select 1')[:-3],
                 pgwire.query('select pg_sleep(1)')):
        c = Conn.open(env.target, params=[('application_name', 'goes-away')])
        c.send(data)
        time.sleep(0.1)
        c.sock.close()
    until(lambda: count() == 0, 15, 'backends of clients that went away are gone')


@test()
def half_close(env):
    """A client that sends Terminate after its requests still gets their answers."""
    c = Conn.open(env.target, tls=False)
    c.send(pgwire.query('select pg_sleep(0.2), 5') + pgwire.TERMINATE)
    true(b'C' in pgwire.kinds(c.read_until()), 'no answer')
    true(c.closed(5), 'still open')


@test()
def many_sessions_at_once(env):
    keep = [Conn.open(env.target, ('anna', 'bo')[i % 2], unix=bool(i % 3), tls=bool(i % 2)) for i in range(60)]
    for i, c in enumerate(keep):
        c.send(pgwire.query('select %d' % i))
    for i, c in enumerate(keep):
        got = c.read_until()
        equal([pgwire.data_row(b) for k, b in got if k == b'D'], [[str(i).encode()]])
        c.close()


@test()
def deep_pipeline(env):
    """Thousands of requests on the way while answers come."""
    c = Conn.open(env.target)
    n = 20000
    one = pgwire.parse('') + pgwire.bind() + pgwire.execute() + pgwire.parse('select $1::int', types=[23])
    data = b''.join(one + pgwire.bind([str(i).encode()]) + pgwire.execute() + (pgwire.SYNC if i % 100 == 99 else b'') for i in range(n))
    got = c.send_and_read(data, n // 100)
    equal([int(pgwire.data_row(b)[0]) for k, b in got if k == b'D'], list(range(n)))
    c.close()


@test(gate=True, timeout=90)
def client_certificate(env):
    """carla has no password: her certificate, mapped by cert_map, is her log-in; anybody else's certificate is no password."""
    crt, key = env.authority.leaf('client-carla', 'carla')
    context = env.target.tls()
    context.load_cert_chain(crt, key)

    def attempt(user):
        c = Conn(env.target)
        c.start_tls(context=context)
        c.startup([('user', user), ('database', 'shop'), ('application_name', 'cert')])
        c.login('no password')
        c.ready()
        return c
    c = attempt('carla')
    equal(c.rows('select current_user'), [[b'carla']])
    c.close()
    try:
        attempt('anna').close()
        true(False, "carla's certificate let anna in")
    except ServerError as e:
        true(e.code in ('28P01', '28000'), e)
    from lib.tls import Authority
    stranger = Authority(os.path.join(env.folder, 'stranger'))
    crt, key = stranger.leaf('carla', 'carla')
    context = env.target.tls()
    context.load_cert_chain(crt, key)
    try:
        attempt('carla').close()
        true(False, 'a certificate of another authority let carla in')
    except (ServerError, ssl.SSLError, ConnectionError, pgwire.Closed, OSError):
        pass
