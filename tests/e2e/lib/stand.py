"""What the wire and fault suites share: one PostgreSQL with the fixture, gates in front of it, and lines of results."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from . import cluster, gate, ports, tls
from .env import Target
from .pgwire import Conn

E2E = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(E2E))


def find_binary():
    for path in ('build/src/gatehouse', 'build/gatehouse'):
        if os.access(os.path.join(ROOT, path), os.X_OK):
            return os.path.join(ROOT, path)
    return None


def parser(doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--binary', help='the gatehouse program (default: the one under build/)')
    p.add_argument('--only', action='append', default=[], help='only the tests whose name contains this; may repeat')
    p.add_argument('--seed', type=int, default=20260401, help='of everything that is random')
    p.add_argument('--full', action='store_true', help='more of everything')
    p.add_argument('--keep', action='store_true', help='keep the folder')
    return p


class Tap:
    """Results, one line each; the last line counts them."""

    def __init__(self, only=()):
        self.passed = self.failed = self.skipped = 0
        self.again = []  # one line for each that failed, to be said once more at the end
        self.only, self.start, self.last = only, time.monotonic(), time.monotonic()

    def wanted(self, name):
        return not self.only or any(word in name for word in self.only)

    def _took(self):
        took, self.last = time.monotonic() - self.last, time.monotonic()
        return ' (%.1f s)' % took if took > 2 else ''

    def result(self, name, faults, what=''):
        """faults: list of texts; none = passed."""
        took = self._took()
        if not faults:
            self.passed += 1
            print('ok %s%s%s' % (name, ': ' + what if what else '', took), flush=True)
            return
        self.failed += 1
        self.again.append('%s: %s' % (name, ' '.join(str(faults[0]).split())))
        print('not ok %s%s # %d wrong: %s' % (name, took, len(faults), ' '.join(str(faults[0]).split())[:200]), flush=True)
        for fault in faults[:12]:
            print('#   ' + str(fault)[:600], flush=True)
        if len(faults) > 12:
            print('#   ... and %d more' % (len(faults) - 12), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print('ok %s # SKIP %s' % (name, why), flush=True)

    def end(self):
        print('# %.0f s' % (time.monotonic() - self.start))
        for fault in self.again:
            print('# failed: ' + fault[:300])
        print('%d passed, %d failed%s' % (self.passed, self.failed, ', %d skipped' % self.skipped if self.skipped else ''))
        return 1 if self.failed or not self.passed else 0


class Stand:
    """A folder under /tmp with a PostgreSQL and any number of gates; a context manager."""

    def __init__(self, args, name, port, sql=None):
        self.args, self.gates, self.faults = args, [], []
        ports.FIRST = int(os.environ.get('GATEHOUSE_E2E_PORTS', port))
        self.folder = tempfile.mkdtemp(prefix='gh-%s-' % name, dir='/tmp')
        os.chmod(self.folder, 0o755)
        ports.claims = os.path.join(self.folder, 'ports')
        os.makedirs(ports.claims)
        self.binary = os.path.abspath(args.binary)
        with open(self.binary, 'rb') as f:
            self.sanitized = b'__asan_init' in f.read()
        os.environ.setdefault('ASAN_OPTIONS', 'detect_leaks=1:halt_on_error=1:abort_on_error=0:quarantine_size_mb=16')
        os.environ.setdefault('UBSAN_OPTIONS', 'halt_on_error=1:print_stacktrace=1')
        self.authority = tls.Authority(os.path.join(self.folder, 'ca'))
        os.chmod(os.path.join(self.folder, 'ca'), 0o755)
        os.chmod(self.authority.cert, 0o644)
        self.cluster = cluster.Cluster(os.path.join(self.folder, 'm'), ports.free_port(), self.authority)
        self.sql = sql

    def __enter__(self):
        try:
            self.cluster.init()
            for attempt in range(3):
                try:
                    self.cluster.start()
                    break
                except RuntimeError:  # another suite on this machine has taken the port in between
                    if attempt == 2:
                        raise
                    self.cluster.port = ports.free_port()
            self.cluster.psql('CREATE DATABASE shop', database='postgres')
            self.cluster.psql('', file=os.path.join(E2E, 'schema.sql'))
            if self.sql:
                self.cluster.psql(self.sql)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def direct(self):
        return Target(self.cluster.port, self.cluster.sockdir, self.authority.cert)

    def gate(self, name, start=True, **settings):
        g = gate.Gate(os.path.join(self.folder, name), self.binary, self.cluster, ports.free_port(), self.authority, settings)
        self.gates.append(g)
        if start:
            g.start()
        return g, Target(g.port, g.sockdir, self.authority.cert, gate=g)

    def stop_gates(self):
        """Stops all gates; what went wrong, also what the sanitizers wrote."""
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
                    if any(w in line for w in ('AddressSanitizer', 'LeakSanitizer', 'runtime error:', 'Assertion', 'SUMMARY:')):
                        faults.append('%s: %s' % (g.log, line.strip()))
        self.gates = []
        return faults

    def __exit__(self, *_):
        for g in self.gates:
            try:
                g.stop(signal.SIGKILL, limit=10)
            except (RuntimeError, OSError):
                pass
        self.cluster.stop(signal.SIGQUIT)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def serves(target, user='bo', timeout=20, **more):
    """A new session works; None or what is wrong."""
    try:
        with Conn.open(target, user, timeout=timeout, **more) as c:
            got = c.rows('select 7')
        return None if got == [[b'7']] else 'got %r' % got
    except Exception as e:  # whatever it is, it is the result
        return '%s: %s' % (type(e).__name__, e)


def children_of(pid):
    done = subprocess.run(['ps', '-o', 'pid=', '--ppid', str(pid)], capture_output=True, text=True)
    return [int(p) for p in done.stdout.split()]


def run(doc, name, port, body, sql=None, arguments=None):
    """The frame of a suite's main(): body(tap, stand, args)."""
    p = parser(doc)
    if arguments:
        arguments(p)
    args = p.parse_args()
    args.binary = args.binary or find_binary()
    if not args.binary:
        print('no gatehouse program: build it or give --binary', file=sys.stderr)
        return 2
    tap = Tap(args.only)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stand = Stand(args, name, port, sql)
    try:
        with stand:
            print('# %s%s' % (stand.folder, ', with sanitizers' if stand.sanitized else ''), flush=True)
            body(tap, stand, args)
            if stand.gates:
                tap.result('stop', stand.stop_gates(), 'every process ended in order, nothing was found by sanitizers')
    except Exception as e:  # what a suite did not expect is a failure with a name, too
        traceback.print_exc()
        tap.result('the suite itself', ['%s: %s' % (type(e).__name__, e)])
    finally:
        status = tap.end()
        if status == 0 and not args.keep:
            stand.remove()
    return status
