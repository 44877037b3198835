"""Where the corpus runs: a database of one side, reached through a gateway or directly."""
import os
import socket
import ssl

PASSWORDS = {'mira': 'mira-Secret-1', 'noor': 'noor-Secret-2', 'sam': 'sam-Secret-3', 'tess': 'tess-Secret-4', 'pool': 'pool-Secret-5',
             'admin': 'admin-Secret-6', 'gatehouse_control': 'control-Secret-5'}


class Place:
    """An address and how to log in there. host: a name, or a folder with the server's socket."""

    def __init__(self, host, port, database='shop', ca=None, tls=False, passwords=None):
        self.host, self.port, self.database, self.ca, self.use_tls = host, int(port), database, ca, tls
        self.passwords = dict(PASSWORDS, **(passwords or {}))
        self.sockdir = host

    @classmethod
    def from_dsn(cls, dsn):
        """host=H port=P dbname=D [sslmode=require] [sslrootcert=FILE]; user and password are those of the fixture."""
        words = dict(w.split('=', 1) for w in dsn.split())
        return cls(words.get('host', 'localhost'), words.get('port', 5432), words.get('dbname', 'shop'), words.get('sslrootcert'),
                   words.get('sslmode', 'disable') not in ('disable', 'allow', 'prefer'))

    def connect(self, timeout):
        if self.host.startswith('/'):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(timeout)
            s.connect(os.path.join(self.host, '.s.PGSQL.%d' % self.port))
            return s
        s = socket.create_connection((self.host, self.port), timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def tls(self):
        if self.ca:
            return ssl.create_default_context(cafile=self.ca)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def environ(self, user):
        """Environment for psql."""
        return dict(os.environ, PGHOST=self.host, PGPORT=str(self.port), PGDATABASE=self.database, PGUSER=user, PGPASSWORD=self.passwords[user],
                    PGCONNECT_TIMEOUT='10', PGSSLMODE='require' if self.use_tls else 'disable')

    def dsn(self, user):
        return 'host=%s port=%d dbname=%s user=%s password=%s sslmode=%s' % (
            self.host, self.port, self.database, user, self.passwords[user], 'require' if self.use_tls else 'disable')


class Side:
    """One of the databases: `place` is where people go, `around` is the database itself (None: not known), `gate` our own gate or None."""

    def __init__(self, name, place, around=None, gate=None):
        self.name, self.place, self.around, self.gate = name, place, around, gate
