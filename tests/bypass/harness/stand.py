"""Our own three databases (A, B and A2), and a gate in front of each; or somebody else's."""
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile

from lib import cluster, gate, owner, ports, tls

from .place import Place, Side

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BODY = 'SELECT province FROM public.customers WHERE id = $1'
SIDES = (('a', 'a', 1), ('b', 'b', 40), ('a2', 'a', 90))  # name, data, tables made for noise


def fixture(data, noise):
    with open(os.path.join(HERE, 'fixture.sql')) as f:
        return f.read().replace('@SIDE@', data).replace('@NOISE@', str(noise))


def policy():
    with open(os.path.join(HERE, 'policy.gate')) as f:
        return f.read().replace('@BODY@', hashlib.md5(BODY.encode()).hexdigest())


class Stand:
    """A context manager; .sides in the order A, B, A2."""

    def __init__(self, args):
        self.args, self.sides, self.clusters, self.gates, self.folder = args, [], [], [], None

    def __enter__(self):
        try:
            if self.args.dsn_a:
                self._foreign()
            else:
                self._own()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _foreign(self):
        dsns = [(self.args.dsn_a, self.args.around_a), (self.args.dsn_b, self.args.around_b), (self.args.dsn_a2, self.args.around_a2)]
        for (name, _, _), (dsn, around) in zip(SIDES, dsns):
            self.sides.append(Side(name, Place.from_dsn(dsn), Place.from_dsn(around) if around else None))

    def _own(self):
        ports.FIRST = int(os.environ.get('GATEHOUSE_E2E_PORTS', 8000))
        self.folder = tempfile.mkdtemp(prefix='gh-bypass-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        ports.claims = os.path.join(self.folder, 'ports')
        os.makedirs(ports.claims)
        os.environ.setdefault('ASAN_OPTIONS', 'detect_leaks=1:halt_on_error=1:abort_on_error=0:quarantine_size_mb=16')
        os.environ.setdefault('UBSAN_OPTIONS', 'halt_on_error=1:print_stacktrace=1')
        authority = tls.Authority(os.path.join(self.folder, 'ca'))
        os.chmod(os.path.join(self.folder, 'ca'), 0o755)
        os.chmod(authority.cert, 0o644)
        # Three copies of one empty cluster, filled by the same script: object identifiers agree.
        empty = cluster.Cluster(os.path.join(self.folder, 't'), ports.free_port(), authority)
        empty.init()
        with open(os.path.join(empty.data, 'postgresql.conf'), 'a') as f:
            f.write("shared_preload_libraries = 'pg_stat_statements'\nlog_statement = 'none'\nshared_buffers = 32MB\nmax_connections = 60\n"
                    "log_min_messages = fatal\nlog_min_error_statement = panic\n")
        loading = []
        for name, data, noise in SIDES:
            c = empty.copy(os.path.join(self.folder, name), ports.free_port())
            self.clusters.append(c)
            c.start()
            c.psql('CREATE DATABASE shop', database='postgres')
            path = os.path.join(self.folder, name + '.sql')
            with open(path, 'w') as f:
                f.write(fixture(data, noise))
            os.chmod(path, 0o644)
            loading.append(subprocess.Popen([os.path.join(cluster.bindir(), 'psql'), '-X', '-q', '-A', '-t', '-o', os.devnull, '-v', 'ON_ERROR_STOP=1', '-h', c.sockdir,
                                             '-p', str(c.port), '-U', cluster.SUPERUSER, '-d', 'shop', '-f', path],
                                            env=dict(os.environ, PGPASSWORD=cluster.SUPERPASS)))
        if any(p.wait() for p in loading):
            raise RuntimeError('the fixture could not be loaded')
        shutil.rmtree(empty.folder)
        with open(os.path.join(self.folder, 'policy.gate'), 'w') as f:
            f.write(policy())
        for (name, _, _), c in zip(SIDES, self.clusters):
            around = Place(c.sockdir, c.port)
            if self.args.direct:
                self.sides.append(Side(name, around, around))
                continue
            g = gate.Gate(os.path.join(self.folder, 'gate-' + name), self.args.binary, c, ports.free_port(), authority,
                          {'server_host': c.sockdir, 'server_tls': 'off', 'workers': '1', 'node': name}, policy=os.path.join(self.folder, 'policy.gate'),
                          people=os.path.join(HERE, 'people.csv'))
            self.gates.append(g)
            g.start()
            self.sides.append(Side(name, Place(g.sockdir, g.port), around, g))

    def stop_gates(self):
        """Stops our gates; what went wrong, also what sanitizers wrote."""
        faults = []
        for g in self.gates:
            try:
                status = g.stop(limit=60)
                if status:
                    faults.append('%s: gatehouse ended with %s' % (g.folder, status))
            except RuntimeError as e:
                faults.append('%s: %s' % (g.folder, e))
            with open(g.log, errors='replace') as f:
                for line in f:
                    if any(w in line for w in ('AddressSanitizer', 'LeakSanitizer', 'runtime error:', 'Assertion', 'SUMMARY:', 'signal')):
                        faults.append('%s: %s' % (g.log, line.strip()))
        self.gates = []
        return faults

    def __exit__(self, *_):
        for g in self.gates:
            try:
                g.stop(signal.SIGKILL, limit=10)
            except (RuntimeError, OSError):
                pass
        for c in self.clusters:
            c.stop(signal.SIGQUIT)

    def remove(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
