"""What a test is given: where to connect, as whom, and the shared servers."""
import contextlib
import fcntl
import json
import os
import ssl
import subprocess
import time

PASSWORDS = {'anna': 'anna-Secret-1', 'bo': 'bo-Secret-2', 'chen': 'chen-Secret-3', 'zhao': 'pässwörd-密码', 'dba': 'dba-Secret-4',
             'gatehouse_control': 'control-Secret-5'}


class Skip(Exception):
    """A test that cannot run here, and why; shown, never silent."""


class Target:
    """A server to connect to: PostgreSQL itself or the gate in front of it."""

    def __init__(self, port, sockdir, ca, database='shop', gate=None):
        self.host, self.port, self.sockdir, self.ca, self.database, self.gate = 'localhost', port, sockdir, ca, database, gate

    def dsn(self, user='anna', password=None, unix=False, **more):
        """libpq connection string: TLS verified in full with channel binding, or the Unix socket."""
        words = {'dbname': self.database, 'user': user, 'password': password or PASSWORDS.get(user, 'none'), 'port': self.port}
        if unix:
            words['host'] = self.sockdir
        else:
            words.update(host='localhost', hostaddr='127.0.0.1', sslmode='verify-full', sslrootcert=self.ca,
                         channel_binding='require')
        words.update(more)
        return ' '.join("%s='%s'" % (k, str(v).replace('\\', '\\\\').replace("'", "\\'")) for k, v in words.items())

    def tls(self):
        context = ssl.create_default_context(cafile=self.ca)
        return context

    def environ(self, user='anna', **more):
        """Environment for programs in other languages."""
        return dict(os.environ, E2E_HOST='localhost', E2E_PORT=str(self.port), E2E_SOCKDIR=self.sockdir, E2E_CA=self.ca,
                    E2E_DB=self.database, E2E_USER=user, E2E_PASSWORD=PASSWORDS[user], **more)

    def pgenv(self, user='anna', unix=False, **more):
        """Environment for psql and pgbench."""
        env = dict(os.environ, PGPORT=str(self.port), PGDATABASE=self.database, PGUSER=user, PGPASSWORD=PASSWORDS[user],
                   PGCONNECT_TIMEOUT='10')
        if unix:
            env.update(PGHOST=self.sockdir)
        else:
            env.update(PGHOST='localhost', PGHOSTADDR='127.0.0.1', PGSSLMODE='verify-full', PGSSLROOTCERT=self.ca,
                       PGCHANNELBINDING='require')
        env.update(more)
        return env


class Env:
    """One test's view of the run."""

    def __init__(self, folder, cluster, authority, binary, target, recording, enforced=None):
        self.folder, self.cluster, self.authority, self.binary = folder, cluster, authority, binary
        self.target = target        # the gate, or PostgreSQL with --direct
        self.recording = recording  # a second gate, whose ledger only the recording tests fill; None with --direct
        self.enforced = enforced    # a third gate, whose policy enforces (enforce.gate); None with --direct
        self.direct = Target(cluster.port, cluster.sockdir, authority.cert)
        self.results = None         # path of sub-results
        self.name = ''

    def sub(self, name, ok, reason=''):
        """A result of its own within this test."""
        with open(self.results, 'a') as f:
            f.write(json.dumps([name, ok, reason]) + '\n')

    def run(self, args, env=None, input=None, timeout=60, check=True, cwd=None):
        """Runs a program; its output goes to the log; returns the finished process."""
        done = subprocess.run(args, env=env, input=input, capture_output=True, text=True, timeout=timeout, cwd=cwd)
        print('$', ' '.join(args), '->', done.returncode, flush=True)
        print(done.stdout[-20000:], done.stderr[-20000:], flush=True)
        if check and done.returncode:
            raise AssertionError('%s: exit %d: %s' % (os.path.basename(args[0]), done.returncode,
                                                      (done.stderr or done.stdout).strip()[-600:]))
        return done

    def program(self, args, env, timeout=120, skip_rc=None):
        """Runs a driver's program that prints `ok NAME` and `not ok NAME: reason` lines; each becomes a result."""
        done = self.run(args, env=env, timeout=timeout, check=False)
        count = 0
        for line in done.stdout.splitlines():
            if line.startswith('ok '):
                self.sub(line[3:].strip(), True)
                count += 1
            elif line.startswith('not ok '):
                name, _, reason = line[7:].partition(':')
                self.sub(name.strip(), False, reason.strip())
                count += 1
        if done.returncode or not count:
            raise AssertionError('exit %d after %d results: %s' % (done.returncode, count, done.stderr.strip()[-600:]))


def equal(got, want, what=''):
    if got != want:
        raise AssertionError('%sgot %.500r, wanted %.500r' % (what and what + ': ', got, want))


def true(ok, what):
    if not ok:
        raise AssertionError(what)


def until(check, limit=10, what='condition'):
    """Polls check() until it is true."""
    end = time.monotonic() + limit
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('%s: not within %s s' % (what, limit))
        time.sleep(0.05)


def backend(c):
    """Process of the backend that serves this session (of the raw client), whatever key the gate handed out."""
    return int(c.rows('select pg_backend_pid()')[0][0])


def asleep(cluster, pid):
    """Waits until the backend is in its pg_sleep(): only then is there something to cancel, to cut, to wait for."""
    until(lambda: cluster.psql("select 1 from pg_stat_activity where pid = %d and wait_event = 'PgSleep'" % pid), 20, 'a backend in pg_sleep()')


@contextlib.contextmanager
def alone(env, name):
    """One test at a time: for what several tests need and the first of them makes."""
    with open(os.path.join(env.folder, name + '.lock'), 'w') as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


TESTS = []


def test(gate=False, direct=True, serial=False, timeout=60):
    """Marks a test. gate: needs the gate (skipped with --direct). serial: runs with no other test beside it."""
    def mark(function):
        TESTS.append({'function': function, 'name': function.__module__.replace('test_', '', 1) + '.' + function.__name__,
                      'gate': gate, 'serial': serial, 'timeout': timeout})
        return function
    return mark
