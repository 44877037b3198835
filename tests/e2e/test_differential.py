"""Differential: each statement of the corpus goes to one PostgreSQL directly and to its twin through the gate; every byte of every message
that comes back must be the same. The twins are copies of the same files, so that object identifiers agree. Normalised is only what must
differ: see normal()."""
import os
import re
import struct
import subprocess
import time

from corpus import Group, all_groups, statements
from lib import capture, gate, pgwire, ports
from lib.cluster import SUPERPASS, SUPERUSER, bindir
from lib.env import Skip, Target, test, true, until

PSQL_COMMANDS = ['\\d', '\\d+', '\\d customers', '\\d+ customers', '\\d orders', '\\d visits', '\\d+ visits', '\\d v_customer', '\\d+ mv_customer', '\\d customers_pkey', '\\da sum', '\\db', '\\dc', '\\dC', '\\dd', '\\dD', '\\ddp', '\\dE', '\\des', '\\deu',
                 '\\dew', '\\df customer_name', '\\df+ gatehouse.*', '\\dF', '\\dg', '\\di+', '\\dl', '\\dL', '\\dm', '\\dn+', '\\do+ ||', '\\dO', '\\dp', '\\dP+', '\\drds', '\\dRp', '\\dRs', '\\ds', '\\dt+', '\\dT', '\\du+', '\\dv+', '\\dx+', '\\dX', '\\dy', '\\l',
                 '\\sf customer_name', '\\sv v_customer', '\\z customers', '\\d hstore', '\\d pg_class', '\\dS pg_auth*', '\\dconfig work_mem']


class Twin:
    """The two sides."""

    def __init__(self, env):
        base = os.path.join(env.folder, 'twin-%d' % os.getpid())
        os.makedirs(base)
        os.chmod(base, 0o755)
        self.clusters = [env.template.copy(os.path.join(base, n), ports.free_port()) for n in 'ab']
        for c in self.clusters:
            c.start()
        self.direct = Target(self.clusters[0].port, self.clusters[0].sockdir, env.authority.cert)
        if env.binary is None or env.target.gate is None:
            self.gate = None
            self.other = Target(self.clusters[1].port, self.clusters[1].sockdir, env.authority.cert)
        else:
            self.gate = gate.Gate(os.path.join(base, 'g'), env.binary, self.clusters[1], ports.free_port(), env.authority)
            self.gate.start()
            self.other = Target(self.gate.port, self.gate.sockdir, env.authority.cert, gate=self.gate)
        self.watchers = [pgwire.Conn.open(Target(c.port, c.sockdir, None), SUPERUSER, SUPERPASS, unix=True) for c in self.clusters]

    def backends(self):
        """Processes of the sessions on both sides; not the watchers and not the gate's control connection."""
        return [int(row[0]) for w in self.watchers for row in
                w.rows("select pid from pg_stat_activity where backend_type = 'client backend' and usename not in ('%s', 'gatehouse_control')" % SUPERUSER)]

    def wait_ended(self, pids, limit=20):
        """Until these processes are gone. A session that begins while an older one ends gets another slot, and the first to make a temporary
        table in a slot makes its schema: two object identifiers that the other side did not use up."""
        until(lambda: not any(os.path.exists('/proc/%d' % pid) for pid in pids), limit, 'the end of backends')

    def stop(self):
        for w in self.watchers:
            w.close()
        if self.gate:
            self.gate.stop()
        for c in self.clusters:
            c.stop()


def normal(m):
    """BackendKeyData and a notifier's process number are each side's own; so is the number of the temporary schema, which is that of
    the slot that the server had free."""
    kind, body = m
    if b'pg_temp_' in body:
        body = re.sub(rb'pg_temp_\d', b'pg_temp_N', body)
    if kind == b'K':
        return kind, b''
    if kind == b'A':
        return kind, body[4:]
    return kind, body


def show(m):
    kind, body = m
    text = body if len(body) <= 400 else body[:300] + b' ... ' + body[-60:]
    return '%s %d %r' % (kind.decode(errors='replace'), len(body), bytes(text))


def receive(c, ends, like=None):
    """The answer to one step. A flush or open end has no last message of its own: the first side's answer is what has come when nothing
    more comes, and the second side's must be as many messages, however long they take (and if more come, the next step shows it)."""
    got = []
    if isinstance(ends, int):
        try:
            while ends:
                got.append(c.read())
                ends -= got[-1][0] == b'Z'
        except (pgwire.Closed, ConnectionError):
            got.append((b'end', b''))
        return got
    if ends == 'flush':
        if like is None:
            return c.settle(0.12)
        for _ in like:
            got.append(c.read())
        return got
    old = c.sock.gettimeout()
    try:
        while True:
            if ends != 'end':
                c.sock.settimeout(1 if like is None else old if len(got) < len(like) else 0.1)
            got.append(c.read())
    except (pgwire.Closed, ConnectionError):
        got.append((b'end', b''))
    except TimeoutError:
        pass
    c.sock.settimeout(old)
    return got


class Result:
    def __init__(self):
        self.groups = self.steps = self.statements = self.messages = self.bytes = 0


def one(target, data, ends, c, like=None):
    try:
        c.send(data)
    except OSError as e:
        return [(b'end', str(e).encode())]
    got = []
    try:
        got = receive(c, ends, like)
    except (pgwire.Closed, ConnectionError):
        got = [(b'end', b'')]
    except TimeoutError:
        got = [(b'time', b'')]
    return got


def compare(twin, group, result):
    """Runs one group on both sides; returns the differences as text."""
    sides = []
    for target in (twin.direct, twin.other):
        c = pgwire.Conn(target, timeout=15)
        c.start_tls()
        c.startup([('user', group.user), ('database', target.database), *group.params])
        c.login(pgwire.PASSWORDS[group.user])
        sides.append((target, c, c.ready()))
    differences = []

    def check(label, data, a, b):
        a, b = [normal(m) for m in a], [normal(m) for m in b]
        result.messages += len(a)
        result.bytes += sum(len(body) + 5 for _, body in a)
        if a == b:
            return True
        if not group.strict and b and b[-1][0] == b'end' and [f.get('C') for f in pgwire.errors(b)][-1:] == ['08P01']:
            return True
        lines = ['--- %s: %s' % (group.name, label[:1000]), '    sent: %r' % data[:300]]
        for i in range(max(len(a), len(b))):
            x, y = a[i] if i < len(a) else None, b[i] if i < len(b) else None
            if x != y:
                lines.append('    message %d of %d and %d' % (i, len(a), len(b)))
                lines.append('    direct: %s' % (x and show(x)))
                lines.append('    gate:   %s' % (y and show(y)))
                if len(lines) > 12:
                    break
        differences.append('\n'.join(lines))
        return len(a) == len(b) and not any(k == b'time' for k, _ in b)
    (da, ca, ra), (db, cb, rb) = sides
    check('start-up', b'', ra, rb)
    for label, data, ends in group.steps:
        a = one(da, data, ends, ca)
        b = one(db, data, ends, cb, a)
        result.steps += 1
        result.statements += statements(data)
        if any(k == b'time' for k, _ in a):
            raise AssertionError('%s: no answer from PostgreSQL itself to %s' % (group.name, label))
        if not check(label, data, a, b):
            differences.append('    %s: given up here: the sides are out of step' % group.name)
            break
        if a and a[-1][0] == b'end':
            break
    pids = twin.backends()
    for c in (ca, cb):
        c.close()
    twin.wait_ended(pids)
    result.groups += 1
    return differences


def run_groups(env, twin, groups):
    result = Result()
    for group in groups:
        try:
            differences = compare(twin, group, result)
        except Exception as e:
            differences = ['%s: %s' % (type(e).__name__, e)]
        for d in differences:
            print(d)
        short = ' | '.join(' '.join(d.split())[:300] for d in differences[:2])
        env.sub(re.sub(r'[^a-z0-9]+', '_', group.name.lower()), not differences, '%d differences: %s' % (len(differences), short))
    print('%d groups, %d steps, %d statements, %d messages, %d bytes compared' % (result.groups, result.steps, result.statements, result.messages, result.bytes))
    return result


def psql_group(env):
    """What psql itself asks for its backslash commands."""
    target = env.direct
    args = [os.path.join(bindir(), 'psql'), '-X', '-E']
    for command in PSQL_COMMANDS:
        args += ['-c', command]
    done = subprocess.run(args, env=target.pgenv('dba', unix=True), capture_output=True, text=True)
    g = Group('what psql asks')
    for sql in re.findall(r'\*{9} QUERY \*{10}\n(.*?)\n\*{26}', done.stdout, re.S):
        g.q(sql)
    true(len(g.steps) > 60, 'psql showed %d queries' % len(g.steps))
    return g


@test(timeout=180)
def corpus(env):
    twin = Twin(env)
    try:
        groups = all_groups()
        # Statements that change the database run first to last on both sides alike: the order is part of the corpus.
        result = run_groups(env, twin, groups + [psql_group(env)])
        env.sub('at_least_2000_statements', result.statements >= 2000, '%d statements' % result.statements)
    finally:
        twin.stop()


@test(timeout=180)
def what_drivers_send(env):
    """The drivers' own tests are recorded on their way to PostgreSQL and played again to both sides, byte for byte."""
    sessions = capture.record(env)
    twin = Twin(env)
    try:
        groups = [capture.group(s, i) for i, s in enumerate(sessions)]
        groups = [g for g in groups if g]
        if not groups:
            raise Skip('nothing was recorded')
        merged = {}
        result = Result()
        for g in groups:
            found = []
            try:
                found = compare(twin, g, result)
            except Exception as e:
                found = ['%s: %s: %s' % (g.name, type(e).__name__, e)]
            for d in found:
                print(d)
            merged.setdefault(g.name.split(' ')[0], []).extend(found)
        for name, found in merged.items():
            env.sub(name, not found, '%d differences: %s' % (len(found), ' '.join(found[0].split())[:500] if found else ''))
        print('%d sessions, %d steps, %d statements, %d messages, %d bytes compared' % (result.groups, result.steps, result.statements, result.messages, result.bytes))
    finally:
        twin.stop()


@test(gate=True)
def log_in_messages(env):
    """Messages after log-in are those of the server, in its order, for every way in."""
    for user in ('anna', 'dba'):
        for unix in (False, True):
            seen = []
            for target in (env.direct, env.target):
                c = pgwire.Conn(target, unix)
                if not unix:
                    c.start_tls()
                c.startup([('user', user), ('database', 'shop'), ('application_name', 'same')])
                c.login(pgwire.PASSWORDS[user])
                seen.append([normal(m) for m in c.ready()])
                c.close()
            true(seen[0] == seen[1], '%s: %s' % (user, [(show(a), show(b)) for a, b in zip(*seen) if a != b][:3]))


@test(timeout=90)
def random_cuts(env):
    """The same bytes sent in pieces of any size give the same answer."""
    import random
    rng = random.Random(7)
    groups = {g.name: g for g in all_groups()}
    data = [(d, n) for name in ('pipelines', 'after an error', 'simple strings') for _, d, n in groups[name].steps if isinstance(n, int)]
    whole, cut = (pgwire.Conn.open(t, 'anna') for t in (env.direct, env.target))
    try:
        for d, n in data[:250]:
            a = whole.ask(d, n)
            at = 0
            while at < len(d):
                step = rng.choice((1, 2, 3, 5, 17, 60, 400))
                cut.send(d[at:at + step])
                at += step
                if rng.random() < 0.02:
                    time.sleep(0.002)
            b = cut.read_until(b'Z', n)
            true([normal(m) for m in a] == [normal(m) for m in b], 'sent %r: %s / %s' % (d[:200], [show(m) for m in a][:8], [show(m) for m in b][:8]))
    finally:
        whole.close()
        cut.close()
