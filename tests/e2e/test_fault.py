"""What breaks: the server, the keeper, the gate, the disk, the policy. Each test has a gate of its own."""
import glob
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from lib import gate, pgwire, ports
from lib.env import Skip, Target, asleep, backend, equal, test, true, until
from lib.marks import Marker
from lib.pgwire import Conn, ServerError
from test_limits import own_gate, works

KEY = 'customer.key'


def error_of(target, **more):
    """The error of a log-in that must fail."""
    try:
        Conn.open(target, **more).close()
    except ServerError as e:
        return e
    raise AssertionError('the log-in worked')


def look(c, key):
    """One recorded look-up; returns the number of rows, or raises."""
    return len(c.rows('select id, full_name from customers where id = %d' % key))


@test(gate=True)
def server_down(env):
    port = ports.free_port()
    g, target = own_gate(env, server_port=str(port))
    e = error_of(target)
    true(e.code == '08006' and 'localhost' in e.fields['M'] + e.fields.get('D', '') and str(port) in e.fields['M'] + e.fields.get('D', ''), e.fields)
    equal(e.fields['S'], 'FATAL')
    g.stop()
    g.settings.update(server_host=g.folder, server_tls='off')
    g.write()
    g.start()
    e = error_of(target)
    true(e.code == '08006' and g.folder in e.fields['M'] + e.fields.get('D', ''), e.fields)
    g.stop()


@test(gate=True)
def server_does_not_answer(env):
    with socket.socket() as hole:
        hole.bind(('127.0.0.1', 0))
        hole.listen(50)
        g, target = own_gate(env, server_port=str(hole.getsockname()[1]), server_host='127.0.0.1', server_connect_timeout='1s')
        start = time.monotonic()
        e = error_of(target)
        true(e.code == '08006' and 0.9 < time.monotonic() - start < 12, e.fields)
        g.stop()


@test(gate=True)
def server_with_a_strange_certificate(env):
    from lib.tls import Authority
    other = Authority(os.path.join(env.folder, 'fault-ca'))
    g, target = own_gate(env)
    g.stop()
    shutil.copy(other.cert, os.path.join(g.folder, 'ca.crt'))
    g.settings['tls_client_ca'] = None
    g.settings['cert_map'] = None
    g.write()
    g.start()
    e = error_of(target)
    true(e.code == '08006' and 'certificate' in (e.fields['M'] + e.fields.get('D', '')).lower(), e.fields)
    g.stop()


@test(gate=True)
def server_that_speaks_rubbish(env):
    """A hostile server costs the session, with a clear error, and not the gate."""
    for answer in (b'HTTP/1.0 400 Bad\r\n\r\n', b'R\xff\xff\xff\xff', b'R\0\0\0\x08\0\0\0\0Z\0\0\0\3', b'R\0\0\0\x08\0\0\0\x03', b'', b'D\0\0\0\x06\0\0'):
        with socket.socket() as hole:
            hole.bind(('127.0.0.1', 0))
            hole.listen(5)

            def serve():
                try:
                    while True:
                        s, _ = hole.accept()
                        s.recv(4096)
                        s.sendall(answer)
                        time.sleep(0.2)
                        s.close()
                except OSError:
                    pass
            threading.Thread(target=serve, daemon=True).start()
            g, target = own_gate(env, server_port=str(hole.getsockname()[1]), server_host='127.0.0.1', server_tls='off', server_connect_timeout='2s')
            e = error_of(target)
            true(e.code[:2] in ('08', '28'), '%r: %s' % (answer, e.fields))
            e = error_of(target)
            g.stop()


@test(gate=True, timeout=90)
def server_restarted(env):
    """The server goes while sessions are open, and comes back: sessions end with a clear error, new ones work, nothing is restarted."""
    cluster = env.template.copy(os.path.join(env.folder, 'restart'), ports.free_port())
    cluster.start()
    g = gate.Gate(os.path.join(env.folder, 'own-restart'), env.binary, cluster, ports.free_port(), env.authority)
    g.start()
    target = Target(g.port, g.sockdir, env.authority.cert, gate=g)
    c = Conn.open(target)
    busy = Conn.open(target)
    pid = backend(busy)
    busy.send(pgwire.query('select pg_sleep(30)'))
    asleep(cluster, pid)
    cluster.stop(signal.SIGQUIT)
    for x in (c, busy):
        found = []
        try:
            while True:
                kind, body = x.read()
                if kind == b'E':
                    found.append(pgwire.error_fields(body))
        except (pgwire.Closed, OSError):
            pass
        true(found and found[-1]['S'] == 'FATAL' and found[-1]['C'][:2] in ('08', '57'), found)
    e = error_of(target)
    true(e.code == '08006', e.fields)
    cluster.start()
    until(lambda: works(target), 20, 'log-ins after the server is back')
    with Conn.open(target, params=[('application_name', 'after-restart')]) as c:
        equal(look(c, 5), 1)
    kinds = [e['kind'] for e in g.session_entries('after-restart')['after-restart']]
    equal(kinds, ['open', 'read', 'close'])
    g.stop()
    cluster.stop(signal.SIGQUIT)


@test(gate=True)
def backend_terminated(env):
    with Conn.open(env.target, params=[('application_name', 'to-be-terminated')]) as c:
        env.cluster.psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to-be-terminated'")
        found = []
        try:
            while True:
                kind, body = c.read()
                if kind == b'E':
                    found.append(pgwire.error_fields(body))
        except (pgwire.Closed, OSError):
            pass
        equal([f['C'] for f in found][:1], ['57P01'])


@test(gate=True, timeout=90)
def keeper_killed(env):
    """Rows of people wait or fail while the keeper is away, other rows do not; every person seen is in the ledger."""
    g, target = own_gate(env)
    got, failed = [], []
    c = Conn.open(target, params=[('application_name', 'keeper-killed')])
    other = Conn.open(target, 'bo')
    for i in range(1, 400):
        if i in (50, 150, 250):
            os.kill(until(lambda: g.role_pid('keeper'), 20, 'a keeper'), signal.SIGKILL)
            equal(other.rows('select 1'), [[b'1']])
        try:
            if look(c, i):
                got.append(i)
        except ServerError as e:
            failed.append(e)
            if e.fields['S'] == 'FATAL':
                c.sock.close()
                c = until(lambda: reopened(target), 20, 'log-in after the keeper died')
            time.sleep(0.1)
        except (pgwire.Closed, OSError) as e:
            failed.append(e)
            c = until(lambda: reopened(target), 20, 'log-in after the keeper died')
    true(len(got) > 250, '%d of 399 look-ups worked' % len(got))
    for e in failed:
        true(isinstance(e, ServerError), 'closed without an error: %s' % e)
        true('ledger' in str(e).lower() or 'record' in str(e).lower() or 'keeper' in str(e).lower(), e)
    c.close()
    with Conn.open(target, params=[('application_name', 'keeper-back')]) as c:
        equal(look(c, 1999), 1)
    equal([e['kind'] for e in g.session_entries('keeper-back')['keeper-back']], ['open', 'read', 'close'])
    entries = g.entries(application='keeper-killed')
    marker = Marker(os.path.join(g.folder, 'mark.keys'))
    seen = marker.seen(entries, KEY)
    epoch = next(e['epoch'] for e in entries if e.get('epoch'))
    lost = [i for i in got if marker.mark(epoch, KEY, i) not in seen]
    equal(lost, [], 'seen and not recorded')
    status, text = g.verify()
    equal(status, 0, text)
    g.stop()


def reopened(target):
    try:
        return Conn.open(target, params=[('application_name', 'keeper-killed')], timeout=10)
    except (ServerError, pgwire.Closed, OSError):
        return None


@test(gate=True, timeout=90)
def gate_killed(env):
    g, target = own_gate(env)
    for i in range(3):
        with Conn.open(target, params=[('application_name', 'gate-killed')]) as c:
            equal(look(c, 10 + i), 1)
            os.kill(g.role_pid('gate'), signal.SIGKILL)
            true(c.closed(5), 'the session outlived its process')
        until(lambda: works(target), 15, 'log-ins after the gate died')
    entries = g.entries(application='gate-killed', kind='read')
    Marker(os.path.join(g.folder, 'mark.keys')).expect(entries, KEY, [10, 11, 12])
    equal(g.verify()[0], 0)
    g.stop()


@test(gate=True, timeout=90)
def everything_killed(env):
    """SIGKILL of all processes in the middle of look-ups, three times: what was seen is in the ledger, and it verifies."""
    g, target = own_gate(env)
    got = []
    for round_ in range(3):
        c = Conn.open(target)

        def work(c=c, round_=round_):
            try:
                for i in range(600):
                    if look(c, 1 + i + 600 * round_):
                        got.append(1 + i + 600 * round_)
            except (ServerError, pgwire.Closed, OSError):
                pass
        t = threading.Thread(target=work)
        before = len(got)
        t.start()
        until(lambda: len(got) > before + 5, 20, 'look-ups')
        # The supervisor first: it would start anew what is killed before it.
        for pid in [g.process.pid] + g._children():
            os.kill(pid, signal.SIGKILL)
        t.join(20)
        g.process.wait(10)
        g.start()
    c = Conn.open(target, params=[('application_name', 'last')])
    look(c, 1)
    c.close()
    g.session_entries('last')
    entries = [e for e in g.entries(kind='read') if e.get('marks')]
    marker = Marker(os.path.join(g.folder, 'mark.keys'))
    seen, epoch = marker.seen(entries, KEY), entries[0]['epoch']
    true(len(got) > 3, 'only %d look-ups before the kills' % len(got))
    equal([i for i in got if marker.mark(epoch, KEY, i) not in seen], [], 'seen and not recorded')
    equal(g.verify()[0], 0)
    g.stop()


@test(gate=True, timeout=90)
def disk_full(env):
    """The ledger's disk fills: rows of people are refused with a clear error, others pass; with room again it goes on by itself."""
    if os.geteuid() != 0:
        raise Skip('a small file system needs root')
    mount = os.path.join(env.folder, 'small')
    os.makedirs(mount)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=160m,mode=0755', 'tmpfs', mount], capture_output=True).returncode:
        raise Skip('mount is not allowed here')
    try:
        folder = os.path.join(mount, 'ledger')
        os.makedirs(folder, 0o700)
        from lib import owner
        owner.give(folder)
        g, target = own_gate(env, ledger=folder)
        g.ledger_dir = folder
        c = Conn.open(target)
        equal(look(c, 1), 1)
        filler = os.path.join(mount, 'filler')
        with open(filler, 'wb') as f:
            try:
                while True:
                    f.write(bytes(65536))
                    f.flush()
            except OSError:
                pass
        # What was set aside before (the journal's segments) may be written to first.
        failure, deadline = None, time.monotonic() + 45
        while failure is None and time.monotonic() < deadline:
            try:
                c.rows('select id, phone, email from customers')
            except ServerError as e:
                failure = e
        true(failure is not None, 'look-ups go on with a full disk')
        true(failure.code in ('53100', '58030') or 'disk' in str(failure).lower() or 'space' in str(failure).lower(), failure.fields)
        if failure.fields['S'] == 'FATAL':
            c.sock.close()
            c = None
        if c is not None:
            equal(c.rows('select 1'), [[b'1']])
        os.unlink(filler)

        def recovered():
            try:
                with Conn.open(target, params=[('application_name', 'room-again')], timeout=10) as d:
                    return look(d, 2) == 1
            except (ServerError, pgwire.Closed, OSError):
                return False
        until(recovered, 20, 'look-ups with room again')
        g.stop()
        equal(g.verify()[0], 0)
        true(any(e['kind'] == 'read' for e in g.entries(application='room-again')), 'the look-up after is not recorded')
    finally:
        subprocess.run(['umount', '-l', mount], capture_output=True)


@test(gate=True)
def graceful_shutdown(env):
    g, target = own_gate(env, shutdown_timeout='10s')
    idle = Conn.open(target)
    in_transaction = Conn.open(target)
    in_transaction.ask(pgwire.query('begin'))
    busy = Conn.open(target, params=[('application_name', 'busy')])
    pid = backend(busy)
    busy.send(pgwire.query('select id, pg_sleep(3) from customers where id = 1'))
    asleep(env.cluster, pid)
    start = time.monotonic()
    g.process.send_signal(signal.SIGTERM)
    until(lambda: not works(target), 2.5, 'new sessions are refused while it shuts down')
    got = busy.read_until(b'Z')
    equal(pgwire.kinds(got), b'TDCZ')
    kind, body = idle.read()
    equal((kind, pgwire.error_fields(body)['C']), (b'E', '57P01'))
    for c in (idle, busy):
        true(c.closed(11), 'still open')
    in_transaction.sock.close()
    equal(g.process.wait(15), 0)
    true(time.monotonic() - start < 14, 'took too long')
    g.process = None
    read = g.entries(application='busy', kind='read')
    equal(sum(e['rows'] for e in read), 1)
    equal(g.entries()[-1]['kind'], 'stop')
    equal(g.verify()[0], 0)


@test(gate=True)
def shutdown_has_a_limit(env):
    g, target = own_gate(env, shutdown_timeout='1s')
    busy = Conn.open(target)
    pid = backend(busy)
    busy.send(pgwire.query('select pg_sleep(30)'))
    asleep(env.cluster, pid)
    start = time.monotonic()
    g.process.send_signal(signal.SIGTERM)
    true(busy.closed(15), 'still open')
    g.process.wait(10)
    true(time.monotonic() - start < 15, 'took %.1f s' % (time.monotonic() - start))
    g.process = None


@test(gate=True)
def reload(env):
    """SIGHUP: a new policy and people file are in force for sessions that are open; a broken one changes nothing and says where."""
    g, target = own_gate(env)
    c = Conn.open(target, 'bo', params=[('application_name', 'reload')])
    c.rows('select id, title from products where id = 3')
    with open(g.policy) as f:
        good = f.read()
    with open(g.policy, 'w') as f:
        f.write(good.rstrip().rstrip('}') + '  subject product {\n    table public.products\n    key id\n  }\n}\n')
    with open(g.people) as f:
        people = f.read()
    with open(g.people, 'w') as f:
        f.write(people.replace('Partner North', 'Partner Far North'))
    with open(g.policy, 'rb') as f:
        digest = hashlib.sha256(f.read()).hexdigest()[:16]
    g.hup()
    until(lambda: any(e.get('policy') == digest for e in g.entries(kind='policy')), 10, 'a policy entry with the new hash')
    until(lambda: len(g.entries(kind='people')) >= 2, 10, 'a people entry')
    c.rows('select id, title from products where id = 4')
    with open(g.policy, 'w') as f:
        f.write(good.replace('public.customers\n', 'public.custmers\n'))
    size = g.log_size()
    g.hup()
    true(g.log_has('custmers', 10, size), 'the broken policy is not in the log')
    with open(g.log) as f:
        f.seek(size)
        true('policy.gate:' in f.read(), 'no file and line in the log')
    c.rows('select id, title from products where id = 5')
    c.close()
    with Conn.open(target, 'bo', params=[('application_name', 'reload-2')]) as d:
        d.rows('select id from products where id = 6')
    entries = g.session_entries('reload', 'reload-2')
    reads = [e for e in entries['reload'] if e['kind'] == 'read']
    Marker(os.path.join(g.folder, 'mark.keys')).expect(reads, 'product.key', [4, 5])
    equal({e['policy'] for e in reads}, {digest})
    equal(entries['reload-2'][0]['employer'], 'Partner Far North')
    g.stop()


@test(gate=True)
def start_errors(env):
    """What is wrong in the files is said with file and line, and nothing starts."""
    g, target = own_gate(env)
    g.stop()
    with open(g.policy) as f:
        good = f.read()

    def fails(what, *words):
        size = g.log_size()
        g.start(wait=False)
        status = g.process.wait(20)
        g.process = None
        with open(g.log) as f:
            f.seek(size)
            text = f.read()
        print(what, status, text)
        true(status != 0, what + ': it started')
        for word in words:
            true(word in text, '%s: %r is not in %s' % (what, word, text[-500:]))
    for what, change, words in (('missing table', ('public.customers\n', 'public.custmers\n'), ['policy.gate:7', 'custmers']),
                                ('missing column', ('key      id\n    phone', 'key      idd\n    phone'), ['policy.gate:8', 'idd']),
                                ('unknown word', ('treat observe', 'traet observe'), ['policy.gate:5', 'treat'])):
        with open(g.policy, 'w') as f:
            f.write(good.replace(*change))
        fails(what, *words)
    with open(g.policy, 'w') as f:
        f.write(good)
    g.settings['listenn'] = 'x'
    g.write()
    fails('unknown setting', 'gatehouse.conf:', 'listenn', 'listen')
    del g.settings['listenn']
    g.write()
    os.chmod(os.path.join(g.folder, 'mark.keys'), 0o644)
    fails('key file open to others', 'mark.keys')
    os.chmod(os.path.join(g.folder, 'mark.keys'), 0o600)
    g.start()
    true(works(target), 'it does not start again')
    g.stop()


@test(gate=True)
def second_writer(env):
    """Two gatehouses on one ledger: the second does not write."""
    g, target = own_gate(env)
    h = gate.Gate(os.path.join(env.folder, 'own-second'), env.binary, env.cluster, ports.free_port(), env.authority)
    h.settings.update(node='second', ledger=g.ledger_dir, ledger_key=os.path.join(g.folder, 'ledger.key'))
    h.write()
    h.start(wait=False)
    true(h.log_has('another process writes the ledger in ' + g.ledger_dir, 20), 'the second one does not say why it cannot write: ' + h.log_tail())
    true(not works(Target(h.port, h.sockdir, env.authority.cert)), 'the second one serves')
    h.stop(limit=10)
    with Conn.open(target) as c:
        equal(look(c, 5), 1)
    equal(g.entries(node='second'), [])
    equal(g.verify()[0], 0)
    g.stop()


@test(gate=True)
def tampered(env):
    """One changed byte anywhere in the ledger's files is found; the byte put back, all is well again."""
    g, target = own_gate(env)
    with Conn.open(target) as c:
        for i in range(1, 320):
            look(c, i)
    g.stop()
    equal(g.verify()[0], 0)
    files = [p for p in glob.glob(os.path.join(g.ledger_dir, '**', '*'), recursive=True) if os.path.isfile(p) and os.path.getsize(p)]
    covered = [p for p in files if '/tile/' in p or p.endswith('checkpoint')]
    true(len(covered) >= 3, 'files %s' % files)
    for path in covered:
        with open(path, 'rb') as f:
            data = f.read()
        at = len(data) // 2
        with open(path, 'r+b') as f:
            f.seek(at)
            f.write(bytes([data[at] ^ 1]))
        status, text = g.verify()
        with open(path, 'r+b') as f:
            f.seek(at)
            f.write(data[at:at + 1])
        equal(status, 1, path)
        true(os.path.relpath(path, g.ledger_dir) in text, '%s is not named: %s' % (path, text[-300:]))
    equal(g.verify()[0], 0)


@test(gate=True)
def metrics(env):
    port = ports.free_port()
    g, target = own_gate(env, metrics='127.0.0.1:%d' % port)
    import urllib.request

    def read():
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % port, timeout=5) as r:
            text = r.read().decode()
            return {line.rpartition(' ')[0].split('{')[0]: float(line.rpartition(' ')[2]) for line in text.splitlines() if line and line[0] != '#'}, text
    until(lambda: _quiet(read), 20, 'metrics')
    c = Conn.open(target)
    for i in range(1, 6):
        look(c, i)
    c.rows('select * from products')

    def counted():
        values, text = read()
        return (values, text) if values.get('gatehouse_rows_recorded_total', 0) >= 5 and values['gatehouse_rows_total'] >= 505 else None
    values, text = until(counted, 20, 'recorded rows in the metrics')
    equal(values['gatehouse_sessions'], 1)
    equal(values['gatehouse_logins_total'], 1)
    equal(values['gatehouse_keeper_up'], 1, 'keeper_up')
    until(lambda: read()[0]['gatehouse_ledger_tree_size'] >= 8, 20, 'the tree grows in the metrics')
    true('# HELP gatehouse_sessions' in text and '# TYPE gatehouse_sessions gauge' in text, text)
    c.close()
    until(lambda: read()[0]['gatehouse_sessions'] == 0, 20, 'no sessions in the metrics')
    g.stop()


def _quiet(f):
    try:
        return f()
    except OSError:
        return None


@test(gate=True)
def log_without_personal_data(env):
    """Neither a password nor a value of the database or of a statement is in the log, at any level, in either form."""
    for form in ('text', 'json'):
        g, target = own_gate(env, log_level='debug', log_format=form)
        with Conn.open(target) as c:
            c.rows("select * from customers where phone = '13800000777' or full_name = 'Secretive'")
            c.rows('select full_name from customers where id = $1', [b'1234'])
            c.ask(pgwire.query("select 'Secretive' / 0"))
        error_of(target, password='Wrong-Password-9')
        g.stop()
        with open(g.log) as f:
            text = f.read()
        true(text.strip(), 'an empty log')
        for word in ('13800000777', 'Secretive', 'Long Street', 'Example.com', 'Wrong-Password-9', 'anna-Secret-1', 'control-Secret-5'):
            true(word not in text, '%r is in the log' % word)
        if form == 'json':
            import json
            for line in text.splitlines():
                json.loads(line)


@test(gate=True)
def durability_write(env):
    g, target = own_gate(env, ledger_durability='write')
    with Conn.open(target, params=[('application_name', 'write')]) as c:
        for i in range(1, 50):
            look(c, i)
    Marker(os.path.join(g.folder, 'mark.keys')).expect([e for e in g.session_entries('write')['write'] if e.get('marks')], KEY, range(1, 50))
    g.stop()
    equal(g.verify()[0], 0)


@test(gate=True)
def files_are_private(env):
    """Keys are 0600; the ledger's and the run folder are closed to others."""
    for name in ('mark.keys', 'ledger.key'):
        equal(oct(os.stat(os.path.join(env.target.gate.folder, name)).st_mode & 0o777), '0o600', name)
    done = env.target.gate.cli('init', '--keys', check=False)
    before = open(os.path.join(env.target.gate.folder, 'mark.keys')).read()
    true(done.returncode != 0 or before, 'init')
    equal(open(os.path.join(env.target.gate.folder, 'mark.keys')).read(), before, 'init overwrote the keys')
