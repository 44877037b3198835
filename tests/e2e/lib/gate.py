"""One gatehouse in a folder: configuration, keys, start, stop, reload, and what it wrote in its ledger."""
import glob
import json
import os
import shutil
import signal
import subprocess
import time

from . import owner, ports

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Gate:
    def __init__(self, folder, binary, cluster, port, authority, settings=None, database='shop', policy=None, people=None):
        self.folder, self.cluster, self.port = folder, cluster, port
        self.authority, self.database = authority, database
        self.conf = os.path.join(folder, 'gatehouse.conf')
        self.policy = os.path.join(folder, 'policy.gate')
        self.people = os.path.join(folder, 'people.csv')
        self.ledger_dir = os.path.join(folder, 'ledger')
        self.log = os.path.join(folder, 'gatehouse.log')
        self.sockdir = folder
        self.process = None
        os.makedirs(folder)
        # A copy: the build folder may be closed to the user that servers run as.
        self.binary = os.path.join(folder, 'gatehouse')
        shutil.copy(binary, self.binary)
        os.chmod(self.binary, 0o755)
        shutil.copy(policy or os.path.join(HERE, 'policy.gate'), self.policy)
        shutil.copy(people or os.path.join(HERE, 'people.csv'), self.people)
        crt, key = authority.leaf('gate-%d' % port, 'localhost', 'DNS:localhost,IP:127.0.0.1')
        back_crt, back_key = authority.leaf('back-%d' % port, 'gatehouse-gate')
        for path, name in ((crt, 'gate.crt'), (key, 'gate.key'), (back_crt, 'back.crt'), (back_key, 'back.key'),
                           (authority.cert, 'ca.crt')):
            shutil.copy(path, os.path.join(folder, name))
            os.chmod(os.path.join(folder, name), 0o600)
        with open(os.path.join(folder, 'cert_map'), 'w') as f:
            f.write('cn ^(carla)$ \\1\n')
        self.settings = {
            'node': 'e2e', 'listen': '127.0.0.1:%d' % port,
            'listen_socket': os.path.join(folder, '.s.PGSQL.%d' % port),
            'tls': 'allow', 'tls_cert': 'gate.crt', 'tls_key': 'gate.key', 'tls_client_ca': 'ca.crt', 'cert_map': 'cert_map',
            'server_host': 'localhost', 'server_port': str(cluster.port), 'database': database,
            'server_tls': 'verify-full', 'server_ca': 'ca.crt', 'server_cert': 'back.crt', 'server_key': 'back.key',
            'control': 'host=%s port=%d dbname=%s user=gatehouse_control password=control-Secret-5'
                       % (cluster.sockdir, cluster.port, database),
            'policy': 'policy.gate', 'people': 'people.csv', 'mark_keys': 'mark.keys', 'ledger': 'ledger',
            'ledger_origin': 'gatehouse.example/ledger/e2e', 'ledger_key': 'ledger.key',
            'ledger_checkpoint': '200ms', 'run_dir': 'run', 'workers': '2',
        }
        self.settings.update(settings or {})
        self.write()
        for sub in ('ledger', 'run'):
            os.makedirs(os.path.join(folder, sub), exist_ok=True)
            os.chmod(os.path.join(folder, sub), 0o700)
        owner.give(folder)
        self.cli('init', '--keys')

    def write(self):
        """The configuration file, from self.settings."""
        with open(self.conf, 'w') as f:
            for name, value in self.settings.items():
                if value is not None:
                    f.write('%s = "%s"\n' % (name, value))
        owner.give(self.conf)

    def cli(self, *words, check=True):
        """gatehouse WORDS -c FILE; returns the finished process."""
        done = subprocess.run([self.binary, *words, '-c', self.conf], capture_output=True, text=True, cwd=self.folder,
                              timeout=120, **owner.popen_as())
        if check and done.returncode:
            raise RuntimeError('gatehouse %s: exit %d: %s' % (' '.join(words), done.returncode, done.stderr.strip()[-2000:]))
        return done

    def start(self, wait=True):
        with open(self.log, 'ab') as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen([self.binary, 'run', '-c', self.conf], stdout=log, stderr=log, cwd=self.folder,
                                            stdin=subprocess.DEVNULL, start_new_session=not ports.is_child(), **owner.popen_as())
        if wait:
            self.wait_up()
        return self

    def wait_up(self, limit=30):
        """Until this supervisor says that the gate serves. A gate that outlived its supervisor for a moment may write of it, too."""
        end = time.monotonic() + limit
        pid = self.process.pid
        while not self.log_has(('supervisor[%d]: gate is ready' % pid, '"pid":%d,"message":"gate is ready"' % pid), 0.02, self.log_start):
            if self.process.poll() is not None:
                raise RuntimeError('gatehouse ended with %d; see %s: %s' % (self.process.returncode, self.log, self.log_tail()))
            if time.monotonic() > end:
                raise RuntimeError('gatehouse is not ready after %d s; see %s: %s' % (limit, self.log, self.log_tail()))

    def log_tail(self, n=800):
        with open(self.log, 'rb') as f:
            return f.read()[-n:].decode(errors='replace')

    def log_has(self, word, limit=10, start=0):
        """Waits until the log has `word`, or one of them, after byte `start`."""
        words = [w.encode() for w in ([word] if isinstance(word, str) else word)]
        end = time.monotonic() + limit
        while time.monotonic() < end:
            with open(self.log, 'rb') as f:
                f.seek(start)
                text = f.read()
            if any(w in text for w in words):
                return True
            time.sleep(0.02)
        return False

    def log_size(self):
        return os.path.getsize(self.log)

    def stop(self, how=signal.SIGTERM, limit=40):
        if self.process is None:
            return 0
        try:
            self.process.send_signal(how)
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            raise RuntimeError('gatehouse did not stop within %d s' % limit)
        finally:
            process, self.process = self.process, None
            try:
                os.killpg(process.pid, signal.SIGKILL)  # whatever a dead supervisor left behind
            except (ProcessLookupError, PermissionError):
                pass
        return status

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    # -- processes

    def _children(self):
        pids = []
        for path in glob.glob('/proc/[0-9]*/stat'):
            try:
                with open(path) as f:
                    text = f.read()
            except OSError:
                continue
            if int(text.rpartition(')')[2].split()[1]) == self.process.pid:
                pids.append(int(path.split('/')[2]))
        return pids

    def role_pid(self, role):
        """Process of a role ("keeper", "gate", "metrics"), by the name it gives itself; None when it does not run."""
        for pid in self._children():
            try:
                with open('/proc/%d/comm' % pid) as f:
                    if f.read().strip() == 'gh-' + role:
                        return pid
            except OSError:
                pass
        return None

    def rss(self):
        """VmRSS of the gate role, in bytes; its peak is reset by nobody, so sample."""
        with open('/proc/%d/status' % self.role_pid('gate')) as f:
            for line in f:
                if line.startswith('VmRSS:'):
                    return int(line.split()[1]) * 1024
        return 0

    # -- the ledger

    def entries(self, **want):
        """All entries, in order, whose fields equal `want`; each with its place in the log as `index`."""
        done = self.cli('ledger', 'print', '--json')
        out = []
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            entry = dict(entry['entry'], index=entry['index'])
            if all(entry.get(k) == v for k, v in want.items()):
                out.append(entry)
        return out

    def session_entries(self, *applications, limit=30):
        """{application: entries of the sessions that called themselves so}, once all of those are closed. Entries of a session come
        before its close, so that nothing is missing then and there is nothing to wait for beyond it."""
        end = time.monotonic() + limit
        while True:
            found, owner_of, closed = {a: [] for a in applications}, {}, set()
            everything = self.entries()
            for e in everything:
                if e.get('application') in found:  # some drivers say it only after log-in, by SET
                    owner_of[e['session']] = e['application']
            for e in everything:
                if e.get('session') in owner_of:
                    found[owner_of[e['session']]].append(e)
                    if e['kind'] == 'close':
                        closed.add(e['session'])
            missing = sorted(set(applications) - set(owner_of.values()))
            if not missing and closed == set(owner_of):
                return found
            if time.monotonic() > end:
                raise AssertionError('after %d s: no entry of %s; %d of %d sessions closed'
                                     % (limit, missing, len(closed), len(owner_of)))
            time.sleep(0.1)

    def verify(self):
        """(exit status, output) of gatehouse ledger verify."""
        done = self.cli('ledger', 'verify', check=False)
        return done.returncode, done.stdout + done.stderr
