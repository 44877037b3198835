#!/usr/bin/python3
"""End-to-end tests: real PostgreSQL 15, real drivers, the gate between them.

    tests/e2e/run.py [--only PATTERN] [--direct] [--binary PATH] [--jobs N] [--keep] [--list]

One line per test (`ok NAME` / `not ok NAME # reason` / `ok NAME # SKIP reason`), then what failed once more, then
`N passed, N failed[, N skipped]`; exit status 0 when none failed. --direct runs the same tests against PostgreSQL itself: what fails there is the test's own fault. Each test is a
process of its own with a time limit; servers shared by the tests live in a private folder that is removed unless a test
failed or --keep is given. GATEHOUSE_E2E_PORTS is the first of the 100 ports used (7300)."""
import argparse
import fnmatch
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lib import cluster, env, gate, ports, tls  # noqa: E402


def find_binary():
    root = os.path.dirname(os.path.dirname(HERE))
    for path in ('build/src/gatehouse', 'build/gatehouse'):
        if os.access(os.path.join(root, path), os.X_OK):
            return os.path.join(root, path)
    return None


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--only', action='append', default=[], help='shell pattern on the name; may repeat; plain words match anywhere')
    p.add_argument('--direct', action='store_true', help='against PostgreSQL itself')
    p.add_argument('--binary', help='the gatehouse program (default: the one under build/)')
    p.add_argument('--jobs', type=int, default=min(4, os.cpu_count() or 2))
    p.add_argument('--keep', action='store_true', help='keep the folder')
    p.add_argument('--list', action='store_true')
    return p.parse_args()


def chosen(args):
    for name in sorted(os.listdir(HERE)):
        if name.startswith('test_') and name.endswith('.py'):
            importlib.import_module(name[:-3])

    def wanted(name):
        return not args.only or any(fnmatch.fnmatch(name, p) or p in name for p in args.only)
    return [t for t in env.TESTS if wanted(t['name'])]


class Shared:
    """The servers that all tests use."""

    def __init__(self, args, folder):
        self.folder, self.args, self.gates = folder, args, []
        os.chmod(folder, 0o755)
        self.authority = tls.Authority(os.path.join(folder, 'ca'))
        os.chmod(os.path.join(folder, 'ca'), 0o755)
        os.chmod(self.authority.cert, 0o644)
        # The template is filled, stopped and copied: the differential test needs two clusters made of the same files.
        self.template = cluster.Cluster(os.path.join(folder, 't'), ports.free_port(), self.authority)
        self.template.init()
        self.template.start()
        self.template.psql('CREATE DATABASE shop', database='postgres')
        self.template.psql('', file=os.path.join(HERE, 'schema.sql'))
        dba = env.Target(self.template.port, self.template.sockdir, self.authority.cert)
        subprocess.run([os.path.join(cluster.bindir(), 'pgbench'), '-i', '-q', '-s', '1'], check=True, capture_output=True,
                       env=dba.pgenv('dba', unix=True))
        self.template.psql('GRANT ALL ON pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history TO staff; CHECKPOINT')
        self.template.stop()
        self.cluster = self.template.copy(os.path.join(folder, 'm'), ports.free_port())
        self.cluster.start()

    def start(self):
        if self.args.direct:
            target = env.Target(self.cluster.port, self.cluster.sockdir, self.authority.cert)
            shared = env.Env(self.folder, self.cluster, self.authority, None, target, None)
        else:
            targets = []
            for name, more, files in (('g', {}, {}), ('r', {'server_host': self.cluster.sockdir, 'server_tls': 'off', 'workers': '1'}, {}),
                                      ('e', {}, {'policy': os.path.join(HERE, 'enforce.gate'), 'people': os.path.join(HERE, 'enforce.csv')})):
                g = gate.Gate(os.path.join(self.folder, name), self.args.binary, self.cluster, ports.free_port(), self.authority, more, **files)
                self.gates.append(g)
                g.start(wait=False)
                targets.append(env.Target(g.port, g.sockdir, self.authority.cert, gate=g))
            for g in self.gates:
                g.wait_up()
            shared = env.Env(self.folder, self.cluster, self.authority, self.args.binary, *targets)
        shared.template = self.template
        return shared

    def stop(self):
        for g in self.gates:
            try:
                g.stop(limit=10)
            except RuntimeError as e:
                print('#', e)
        self.cluster.stop(signal.SIGQUIT)
        self.template.stop(signal.SIGQUIT)


def child(t, shared, log, results):
    """The process of one test. Never returns."""
    os.setsid()
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ports.in_child()
    shared.results, shared.name = results, t['name']
    verdict = [None, True, '']
    try:
        t['function'](shared)
    except env.Skip as e:
        verdict = [None, None, str(e)]
    except BaseException as e:
        traceback.print_exc()
        verdict = [None, False, '%s: %s' % (type(e).__name__, ' '.join(str(e).split())[:500])]
    with open(results, 'a') as f:
        f.write(json.dumps(verdict) + '\n')
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class Runner:
    def __init__(self, shared, folder, jobs):
        self.shared, self.folder, self.jobs = shared, folder, jobs
        self.passed = self.failed = self.skipped = 0
        self.faults = []  # one line for each that failed, to be said again at the end
        self.running = {}

    def report(self, name, ok, reason, seconds, log):
        took = ' (%.1f s)' % seconds if seconds is not None and seconds > 3 else ''
        if ok is None:
            self.skipped += 1
            print('ok %s # SKIP %s' % (name, reason), flush=True)
        elif ok:
            self.passed += 1
            print('ok %s%s' % (name, took), flush=True)
        else:
            self.failed += 1
            self.faults.append('%s: %s' % (name, reason))
            print('not ok %s%s # %s; log %s' % (name, took, reason, log), flush=True)

    def launch(self, t):
        log = os.path.join(self.folder, 'logs', t['name'] + '.log')
        results = log[:-4] + '.results'
        pid = os.fork()
        if pid == 0:
            child(t, self.shared, log, results)
        self.running[pid] = (t, log, results, time.monotonic())

    def finish(self, pid, timed_out):
        t, log, results, start = self.running.pop(pid)
        try:
            os.killpg(pid, signal.SIGKILL)  # servers and programs that the test left behind
        except (ProcessLookupError, PermissionError):
            pass
        ports.release(pid)
        lines = []
        if os.path.exists(results):
            with open(results) as f:
                lines = [json.loads(line) for line in f]
        seconds = time.monotonic() - start
        whole = next((x for x in lines if x[0] is None), None)
        subs = [x for x in lines if x[0] is not None]
        for name, ok, reason in subs:
            self.report(t['name'] + '.' + name, ok, reason, None, log)
        if timed_out:
            whole = [None, False, 'not finished within %d s' % t['timeout']]
        elif whole is None:
            whole = [None, False, 'the test process died']
        if whole[1] is not True or not subs:
            self.report(t['name'], whole[1], whole[2], seconds, log)

    def step(self):
        """Waits for one running test to end, or for the first time limit."""
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid in self.running:
                self.finish(pid, False)
                return
            if pid:
                print('# a shared server (process %d) ended; see the logs in %s' % (pid, self.folder), flush=True)
            now = time.monotonic()
            for pid, (t, _, _, start) in list(self.running.items()):
                if now - start > t['timeout']:
                    try:
                        os.killpg(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                    os.waitpid(pid, 0)
                    self.finish(pid, True)
                    return
            time.sleep(0.02)

    def run(self, tests):
        for t in [t for t in tests if not t['serial']]:
            while len(self.running) >= self.jobs:
                self.step()
            self.launch(t)
        while self.running:
            self.step()
        for t in [t for t in tests if t['serial']]:
            self.launch(t)
            while self.running:
                self.step()


def main():
    args = arguments()
    tests = chosen(args)
    if args.list:
        print('\n'.join(t['name'] for t in tests))
        return 0
    args.binary = args.binary and os.path.abspath(args.binary) or find_binary()
    if not args.direct and not args.binary:
        print('no gatehouse program: build it, give --binary, or use --direct', file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix='gh-e2e-', dir='/tmp')
    ports.claims = os.path.join(folder, 'ports')
    for name in ('logs', 'ports'):
        os.makedirs(os.path.join(folder, name))
    runner = shared = None

    def interrupted(signum, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupted)
    start = time.monotonic()
    try:
        shared = Shared(args, folder)
        print('# servers up after %.1f s in %s' % (time.monotonic() - start, folder), flush=True)
        runner = Runner(shared.start(), folder, args.jobs)
        if args.direct:
            for t in [t for t in tests if t['gate']]:
                runner.report(t['name'], None, 'needs the gate', None, '')
            tests = [t for t in tests if not t['gate']]
        # Long tests first, so that the end of the run is not one long test alone.
        runner.run(sorted(tests, key=lambda t: -t['timeout']))
    finally:
        for pid in list(runner.running) if runner else []:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if shared:
            shared.stop()
        small = os.path.join(folder, 'small')  # fault.disk_full mounts it, and may have been ended by its time limit
        if os.path.ismount(small):
            subprocess.run(['umount', '-l', small])
        if runner and not runner.failed and not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print('# %.0f s' % (time.monotonic() - start))
    for fault in runner.faults:
        print('# failed: ' + fault[:300])
    print('%d passed, %d failed%s' % (runner.passed, runner.failed, ', %d skipped' % runner.skipped if runner.skipped else ''))
    return 1 if runner.failed else 0


if __name__ == '__main__':
    sys.exit(main())
