"""What the bench runs against: one PostgreSQL, PgBouncer and gates in front of it, and what their processes cost.

Built on the harness of the end-to-end tests (tests/e2e/lib). Everything lives in one private folder and on loopback."""
import base64
import glob
import hashlib
import hmac
import os
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'e2e'))
os.environ.setdefault('GATEHOUSE_E2E_PORTS', '7700')

from lib import cluster, gate, owner, ports, tls  # noqa: E402
import enforce  # noqa: E402

# A visitor's verifier has one round of PBKDF2: it is the client's work, takes far longer than all of the server's, and would hide it.
USER, VISITOR, PASSWORD, DATABASE = 'clerk', 'visitor', 'bench-Secret-1', 'shop'
TICK = os.sysconf('SC_CLK_TCK')
IDLE = 1000        # sessions
CHECKPOINT = 1     # seconds, the default of gatehouse.conf

AUTH = """
CREATE ROLE gatehouse_control LOGIN PASSWORD 'control-Secret-5';
CREATE SCHEMA gatehouse;
CREATE FUNCTION gatehouse.get_auth(name text) RETURNS TABLE (usename name, passwd text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin $$;
REVOKE ALL ON FUNCTION gatehouse.get_auth(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA gatehouse TO gatehouse_control;
GRANT EXECUTE ON FUNCTION gatehouse.get_auth(text) TO gatehouse_control;
"""  # what a gate needs in a database
SCHEMA = AUTH + """
CREATE ROLE clerk LOGIN PASSWORD 'bench-Secret-1';
CREATE ROLE visitor LOGIN;
CREATE TABLE nobody (id bigint PRIMARY KEY, phone text);
CREATE TABLE people (id bigint PRIMARY KEY, full_name text, phone text, email text, province text, note text);
INSERT INTO people SELECT i, 'Customer Number ' || i, '138' || lpad(i::text, 8, '0'), 'user' || i || '@example.com',
  'Zhejiang', 'a remark of ordinary length' FROM generate_series(1, 1000000) i;
""" + enforce.SCHEMA + """GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk, visitor;
"""
# The table that no answer of the bench touches: the gate looks at every row description and finds nothing of it.
POLICY_NONE = """policy "bench" version 1 {
  purpose "measuring"
  owner "bench"
  treat observe
  subject nobody {
    table public.nobody
    key   id
    phone phone country 86
  }
}
"""
# Every row of pgbench -S and of the stream is somebody's.
POLICY_ALL = """policy "bench" version 1 {
  purpose "measuring"
  owner "bench"
  treat observe
  subject account {
    table public.pgbench_accounts
    key   aid
  }
  subject person {
    table public.people
    key   id
    phone phone country 86
    email email
  }
}
"""
PEOPLE = 'role,name,employer,province,team,groups,vetted_until\nclerk,Clara Clerk,Own Company,Zhejiang,Support,staff,2035-01-31\nvisitor,Vera Visitor,Own Company,Zhejiang,Support,staff,2035-01-31\n'


def scram_verifier(password, iterations):
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac('sha256', password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b'Client Key', 'sha256')).digest()
    parts = [base64.b64encode(x).decode() for x in (salt, stored, hmac.digest(salted, b'Server Key', 'sha256'))]
    return 'SCRAM-SHA-256$%d:%s$%s:%s' % (iterations, *parts)


def ticks(pid):
    """User and system time of a process and all its threads, also those that have ended, in microseconds."""
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / TICK


def status_kib(pid, name):
    with open('/proc/%d/status' % pid) as f:
        for line in f:
            if line.startswith(name + ':'):
                return int(line.split()[1])
    return 0


class Endpoint:
    """Somewhere to connect to. roles(): {part of the proxy: [process]}, whose CPU time is counted."""

    def __init__(self, name, port):
        self.name, self.port = name, port

    def roles(self):
        return {}

    def main_pid(self):
        return None

    def cpu(self):
        return {role: sum(ticks(pid) for pid in pids) for role, pids in self.roles().items()}

    def environ(self, tls_on=False, user=USER):
        return dict(os.environ, PGHOST='127.0.0.1', PGPORT=str(self.port), PGDATABASE=DATABASE, PGUSER=user, PGPASSWORD=PASSWORD,
                    PGSSLMODE='require' if tls_on else 'disable', PGGSSENCMODE='disable', PGCONNECT_TIMEOUT='20')

    def conninfo(self, user=USER):
        return ('host=127.0.0.1 port=%d dbname=%s user=%s password=%s sslmode=disable gssencmode=disable'
                % (self.port, DATABASE, user, PASSWORD))

    def settle(self):
        """After a run, before its CPU time is read: until the work it left behind is done. Nothing is left behind here."""

    def round_done(self):
        """Between rounds: nothing to do."""


class PgBouncer(Endpoint):
    """Session mode; the same SCRAM verifier as the server's, so that it logs in to the server with what the client proved."""

    def __init__(self, folder, server, authority):
        super().__init__('pgbouncer', ports.free_port())
        self.folder, self.process = folder, None
        os.makedirs(folder)
        crt, key = authority.leaf('pgbouncer', 'localhost', 'DNS:localhost,IP:127.0.0.1')
        for path, name in ((crt, 'tls.crt'), (key, 'tls.key')):
            shutil.copy(path, os.path.join(folder, name))
            os.chmod(os.path.join(folder, name), 0o600)
        with open(os.path.join(folder, 'users.txt'), 'w') as f:
            for user in (USER, VISITOR):
                f.write('"%s" "%s"\n' % (user, server.psql("SELECT rolpassword FROM pg_authid WHERE rolname = '%s'" % user)))
        with open(os.path.join(folder, 'pgbouncer.ini'), 'w') as f:
            f.write('[databases]\n%s = host=127.0.0.1 port=%d dbname=%s\n[pgbouncer]\n' % (DATABASE, server.port, DATABASE))
            f.write('listen_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\npool_mode = session\n' % self.port)
            f.write('auth_type = scram-sha-256\nauth_file = %s/users.txt\n' % folder)
            f.write('client_tls_sslmode = allow\nclient_tls_cert_file = %s/tls.crt\nclient_tls_key_file = %s/tls.key\n' % (folder, folder))
            f.write('server_tls_sslmode = disable\nmax_client_conn = 2000\ndefault_pool_size = %d\n' % (IDLE + 20))
            f.write('log_connections = 0\nlog_disconnections = 0\nlogfile = %s/pgbouncer.log\n' % folder)
        owner.give(folder)

    def start(self):
        with open(os.path.join(self.folder, 'out'), 'ab') as log:
            self.process = subprocess.Popen(['/usr/sbin/pgbouncer', '-q', os.path.join(self.folder, 'pgbouncer.ini')], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **owner.popen_as())
        return self

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def main_pid(self):
        return self.process.pid

    def roles(self):
        return {'proxy': [self.process.pid]}


class Gate(Endpoint):
    """gatehouse with one policy. Its ledger is verified and thrown away after each round: rounds start alike."""

    def __init__(self, name, folder, binary, server, authority, policy, workers, settings):
        super().__init__(name, ports.free_port())
        files = {}
        for file, text in (('policy', policy), ('people', PEOPLE)):
            files[file] = folder + '.' + file
            with open(files[file], 'w') as f:
                f.write(text)
        more = {'server_host': '127.0.0.1', 'server_tls': 'off', 'server_ca': None, 'server_cert': None, 'server_key': None,
                'tls_client_ca': None, 'cert_map': None, 'workers': str(workers), 'ledger_checkpoint': '%ds' % CHECKPOINT, 'node': 'bench'}
        self.gate = gate.Gate(folder, binary, server, self.port, authority, dict(more, **settings), DATABASE, files['policy'], files['people'])
        self.records = policy in (POLICY_ALL, enforce.POLICY_RECORDED)
        self.expected = 0  # answers that must be on record
        self.verified = 0
        self.pids = {}

    def start(self):
        self.gate.start()
        self.pids = {role: [self.gate.role_pid(role)] for role in ('gate', 'keeper')}
        return self

    def stop(self):
        self.gate.stop()

    def main_pid(self):
        return self.pids['gate'][0]

    def roles(self):
        return self.pids

    def settle(self):
        """Tiles and checkpoint come up to a second after the last entry; their cost belongs to the run, not to the next one."""
        if not self.records:
            return
        end, last = time.monotonic() + 30, None
        time.sleep(CHECKPOINT)
        while time.monotonic() < end:
            now = ticks(self.pids['keeper'][0])
            if now == last:
                return
            last = now
            time.sleep(0.3)

    def round_done(self):
        """Stops, proves that nothing is missing, starts with an empty ledger."""
        self.gate.stop()
        status, text = self.gate.verify()
        if status:
            raise RuntimeError('%s: the ledger does not verify: %s' % (self.name, text.strip()[-500:]))
        with open(os.path.join(self.gate.ledger_dir, 'checkpoint'), encoding='utf-8') as f:
            entries = int(f.read().split('\n')[1])
        if entries < self.expected:
            raise RuntimeError('%s: %d answers, but only %d entries' % (self.name, self.expected, entries))
        self.verified += entries
        self.expected = 0
        for path in [self.gate.ledger_dir] + glob.glob(os.path.join(self.gate.folder, 'run', 'ledger-*.head')):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        os.makedirs(self.gate.ledger_dir)
        os.chmod(self.gate.ledger_dir, 0o700)
        owner.give(self.gate.ledger_dir)
        self.start()


class World:
    """All of it, in a folder."""

    def __init__(self, folder, binary, workers, scale=1):
        self.folder, self.running = folder, []
        os.chmod(folder, 0o755)
        ports.claims = os.path.join(folder, 'ports')
        os.makedirs(ports.claims)
        self.authority = tls.Authority(os.path.join(folder, 'ca'))
        self.server = cluster.Cluster(os.path.join(folder, 'db'), ports.free_port(), self.authority)
        self.server.init()
        with open(os.path.join(self.server.data, 'postgresql.conf'), 'a') as f:
            f.write('max_connections = %d\nshared_buffers = 512MB\n' % (IDLE * 2 + 200))
        self.server.start()
        self.running.append(self.server)
        self.server.psql('CREATE DATABASE ' + DATABASE, database='postgres')
        subprocess.run([os.path.join(cluster.bindir(), 'pgbench'), '-i', '-q', '-s', str(scale), '-h', self.server.sockdir, '-p', str(self.server.port),
                        '-U', cluster.SUPERUSER, DATABASE], check=True, capture_output=True, env=dict(os.environ, PGPASSWORD=cluster.SUPERPASS))
        self.server.psql(SCHEMA)
        self.server.psql("ALTER ROLE %s PASSWORD '%s'" % (VISITOR, scram_verifier(PASSWORD, 1)))
        self.server.psql('VACUUM ANALYZE')
        self.server.psql('CHECKPOINT')
        self.direct = Endpoint('direct', self.server.port)
        self.bouncer = PgBouncer(os.path.join(folder, 'b'), self.server, self.authority)
        self.gates = {}
        for name, policy, durability in (('observe', POLICY_NONE, 'flush'), ('write', POLICY_ALL, 'write'), ('flush', POLICY_ALL, 'flush'),
                                         *enforce.GATES):
            self.gates[name] = Gate(name, os.path.join(folder, name), binary, self.server, self.authority, policy, workers,
                                    {'ledger_durability': durability})
        for each in [self.bouncer, *self.gates.values()]:
            each.start()
            self.running.append(each)
        self.endpoints = {e.name: e for e in [self.direct, self.bouncer, *self.gates.values()]}
        time.sleep(1)

    def round_done(self):
        for e in self.endpoints.values():
            e.round_done()

    def stop(self):
        for each in reversed(self.running):
            try:
                each.stop()
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                print('#', each, e, file=sys.stderr)
