"""A private PostgreSQL cluster in a folder: SCRAM only, TLS, Unix socket, no durability (it is thrown away)."""
import glob
import os
import shutil
import signal
import subprocess
import time

from . import owner, ports

SUPERUSER, SUPERPASS = 'postgres', 'bootstrap-9'


def bindir():
    """The server's programs: newest Debian folder of version 15, else what pg_config says."""
    for path in sorted(glob.glob('/usr/lib/postgresql/15/bin')):
        if os.access(os.path.join(path, 'initdb'), os.X_OK):
            return path
    done = subprocess.run(['pg_config', '--bindir'], capture_output=True, text=True)
    path = done.stdout.strip()
    if done.returncode == 0 and os.access(os.path.join(path, 'initdb'), os.X_OK):
        return path
    raise RuntimeError('no PostgreSQL 15 server programs (see packages.debian)')


CONF = """
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0777
max_connections = 200
max_prepared_transactions = 4
shared_buffers = 64MB
max_wal_size = 2GB
wal_level = minimal
max_wal_senders = 0
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'ISO, MDY'
lc_messages = 'C'
logging_collector = off
log_min_messages = warning
bgwriter_delay = 10000ms
"""
HBA = """
hostssl all carla 127.0.0.1/32 cert map=gate
local   all all scram-sha-256
host    all all 127.0.0.1/32 scram-sha-256
"""


class Cluster:
    def __init__(self, folder, port, authority):
        self.folder, self.port = folder, port
        self.data = os.path.join(folder, 'data')
        self.sockdir = folder  # short: a socket's path must stay under 100 bytes
        self.log = os.path.join(folder, 'postgres.log')
        self.ca = authority.cert
        self.authority = authority
        self.process = None

    def init(self):
        os.makedirs(self.folder)
        owner.give(self.folder)
        pwfile = os.path.join(self.folder, 'pw')
        with open(pwfile, 'w') as f:
            f.write(SUPERPASS + '\n')
        owner.give(pwfile)
        subprocess.run([os.path.join(bindir(), 'initdb'), '-D', self.data, '-U', SUPERUSER, '--pwfile=' + pwfile, '-A',
                        'scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8', '-N'], check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, **owner.popen_as())
        crt, key = self.authority.leaf('postgres', 'localhost', 'DNS:localhost,IP:127.0.0.1', rsa=True)
        for name, path in (('server.crt', crt), ('server.key', key), ('root.crt', self.ca)):
            shutil.copy(path, os.path.join(self.data, name))
            os.chmod(os.path.join(self.data, name), 0o600)
        with open(os.path.join(self.data, 'postgresql.conf'), 'a') as f:
            f.write(CONF + "ssl = on\nssl_ca_file = 'root.crt'\n")
        with open(os.path.join(self.data, 'pg_hba.conf'), 'w') as f:
            f.write(HBA)
        with open(os.path.join(self.data, 'pg_ident.conf'), 'w') as f:
            f.write('gate gatehouse-gate carla\n')
        owner.give(self.data)

    def copy(self, folder, port):
        """A cluster made of the same files (this one must be stopped): object identifiers agree between the copies."""
        other = Cluster(folder, port, self.authority)
        os.makedirs(folder)
        subprocess.run(['cp', '-a', self.data, other.data], check=True)
        owner.give(folder)
        return other

    def start(self):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                [os.path.join(bindir(), 'postgres'), '-D', self.data, '-p', str(self.port), '-k', self.sockdir],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=not ports.is_child(),
                **owner.popen_as())
        end = time.monotonic() + 30
        while True:
            done = subprocess.run([os.path.join(bindir(), 'pg_isready'), '-q', '-h', self.sockdir, '-p', str(self.port)])
            if done.returncode == 0:
                return self
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError('postgres did not start; see ' + self.log)
            time.sleep(0.03)

    def stop(self, how=signal.SIGINT):
        if self.process is None:
            return
        try:
            self.process.send_signal(how)
            self.process.wait(30)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(10)
        self.process = None

    def psql(self, sql, database='shop', user=SUPERUSER, password=SUPERPASS, file=None):
        """Runs SQL as the superuser over the Unix socket, around any gate."""
        args = [os.path.join(bindir(), 'psql'), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', self.sockdir, '-p',
                str(self.port), '-U', user, '-d', database]
        args += ['-f', file] if file else ['-c', sql]
        done = subprocess.run(args, capture_output=True, text=True, env=dict(os.environ, PGPASSWORD=password))
        if done.returncode:
            raise RuntimeError('psql: ' + done.stderr.strip())
        return done.stdout.strip()
