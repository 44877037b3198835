"""What one attack sees on one side. Every message of every session of it is taken apart into tokens; the judge compares them.

A scene has a main session (opened at first use), others by name, and the administrator's own connection, which is not observed.
Not tokens, because they are each connection's own: process number and secret of BackendKeyData, process numbers in notifications, numbers of
temporary schemas, the folder of our own gate. Everything else counts."""
import hashlib
import re
import ssl
import struct
import time

from lib import pgwire
from lib.pgwire import Closed, Conn, ServerError, cstr, msg

OWN = [(re.compile(rb'pg_(toast_)?temp_\d+'), rb'pg_\1temp_N'), (re.compile(rb'by process \d+|[Pp]rocess \d+|PID \d+|\bpid \d+'), b'process N')]

USE = ['SELECT id, phone, province FROM customers WHERE id = 7', 'SELECT province FROM order_list WHERE id = 7', 'SELECT name FROM products LIMIT 1', 'SELECT phone_masked FROM customers_public WHERE id = 7',
       'SELECT customer_province(7)', 'SELECT item FROM orders WHERE id = 7', 'SELECT id, name FROM contact_card WHERE id = 7']


class Session(Conn):
    """A raw session whose every answer is noted. Methods that read return the messages read."""

    def __init__(self, scene, place, label, timeout=8):
        self.scene, self.label, self.over = scene, label, False
        self.target, self.buffer, self.messages_read = place, bytearray(), 0
        self.parameters, self.key, self.channel, self.place = {}, None, None, place
        self.sock = place.connect(timeout)

    def log_in(self, user, params=(), tls=None, packet=None):
        """Start-up and log-in. False: refused; what was said is noted."""
        try:
            if self.place.use_tls if tls is None else tls:
                self.start_tls()
            if packet is None:
                packet = pgwire.startup_packet([('user', user), ('database', self.place.database), *params])
            self.send(packet)
            self.login(self.place.passwords.get(user, ''))
        except ServerError as e:
            self.scene.note(self.label, b'E', fields=e.fields)
            self.over = True
            return False
        except (Closed, ConnectionError, TimeoutError, ssl.SSLError) as e:
            self.end(e)
            return False
        self.read_on(b'Z')
        return not self.over

    def login(self, password, plus=None):
        try:
            return super().login(password, plus)
        except AssertionError:
            if self.auth in (3, 5):
                return self._password(password)
            raise

    def read(self):
        m = super().read()
        if m[0] == b'R' and len(m[1]) >= 4:
            self.auth, self.salt = struct.unpack_from('>I', m[1])[0], m[1][4:]
        return m

    def _password(self, password):
        """Clear text and MD5, for other gateways."""
        secret = password.encode()
        if self.auth == 5:
            user = hashlib.md5(secret + self.user.encode()).hexdigest().encode()
            secret = b'md5' + hashlib.md5(user + self.salt).hexdigest().encode()
        self.send(msg(b'p', cstr(secret)))
        return super().login(password)

    def end(self, e):
        if not self.over:
            self.over = True
            self.scene.note(self.label, b'timeout' if isinstance(e, TimeoutError) else b'end')

    def put(self, *messages):
        """Sends, reads nothing."""
        if self.over:
            return
        try:
            self.send(b''.join(messages))
        except OSError as e:
            self.end(e)

    def read_on(self, kinds=b'Z', count=1):
        """Reads and notes up to the count-th message of these kinds; ends a COPY IN that somebody has begun."""
        out = []
        while count and not self.over:
            try:
                kind, body = self.read()
            except (Closed, ConnectionError, TimeoutError, ssl.SSLError) as e:
                self.end(e)
                break
            out.append((kind, body))
            self.scene.note(self.label, kind, body)
            count -= kind in kinds
            if kind == b'G' and b'G' not in kinds:
                self.put(pgwire.copy_fail('no'))
        return out

    def quiet(self, seconds=0.15):
        """Notes what comes until nothing comes for so long."""
        if self.over:
            return []
        old = self.sock.gettimeout()
        out = []
        try:
            while True:
                self.sock.settimeout(seconds)
                try:
                    kind, body = self.read()
                except (TimeoutError, ssl.SSLWantReadError):
                    break
                out.append((kind, body))
                self.scene.note(self.label, kind, body)
        except (Closed, ConnectionError, ssl.SSLError) as e:
            self.end(e)
        self.sock.settimeout(old)
        return out

    # -- what attacks use

    def q(self, sql):
        """A simple Query, up to ReadyForQuery."""
        self.put(pgwire.query(sql))
        return self.read_on()

    def x(self, sql, values=(), types=(), pformats=(), rformats=(), rows=0):
        """Parse, Bind, Describe, Execute, Sync."""
        self.put(pgwire.extended(sql, values, types, pformats, rformats, rows))
        return self.read_on()

    def ask(self, *messages):
        """These messages as they are and a Sync, up to ReadyForQuery."""
        self.put(*messages, pgwire.SYNC)
        return self.read_on()

    def bye(self):
        if not self.over:
            self.put(pgwire.TERMINATE)
            self.over = True
        self.sock.close()


class Scene:
    """attack: for its principal. side: where."""

    def __init__(self, side, user='mira'):
        self.side, self.user = side, user
        self.tokens, self.sessions, self.undone, self.admins = [], {}, [], []
        self.application, self.delivered = None, set()  # for what is looked up in the ledger afterwards

    def note(self, label, kind, body=None, fields=None):
        """Takes a message apart."""
        put = self.tokens.append
        if kind == b'K':
            return
        if body is None:
            put('%s %s %s' % (label, kind.decode(), sorted(fields.items()) if fields else ''))
            return
        if self.side.gate:  # a refusal names the policy's file; each of our gates has its own folder
            body = body.replace(self.side.gate.folder.encode(), b'GATE')
        for pattern, to in OWN:
            body = pattern.sub(to, body) if kind in b'ENDTSCAt' else body
        head = '%s %s' % (label, kind.decode(errors='replace'))
        if kind == b'D':
            put(head + ' row')
            for v in pgwire.data_row(body):
                put('%s %r' % (head, v))
        elif kind in (b'E', b'N'):
            for part in body.split(b'\0'):
                if part:
                    put('%s %r' % (head, part))
        elif kind == b'T':
            for name, origin, rest in columns(body):
                put('%s %s' % (head, name))
                put('%s %s %s' % (head, origin, rest))
        elif kind == b'A':
            put('%s %r' % (head, body[4:]))
        else:
            put('%s %r' % (head, body))

    def open(self, user=None, label=None, params=(), direct=False, **more):
        """Another session. direct: around the gateway; None where the way is not known."""
        place = self.side.around if direct else self.side.place
        user = user or self.user
        label = label or '%s%d' % (user, len(self.sessions))
        s = Session(self, place, label)
        s.user = user
        self.sessions[label] = s
        if self.application and not more:
            params = [('application_name', self.application), *params]
        s.log_in(user, params, **more)
        return s

    @property
    def main(self):
        return self.sessions['main'] if 'main' in self.sessions else self.open(label='main')

    def q(self, sql):
        return self.main.q(sql)

    def x(self, sql, *values, **more):
        return self.main.x(sql, [None if v is None else v if isinstance(v, bytes) else str(v).encode() for v in values], **more)

    def ask(self, *messages):
        return self.main.ask(*messages)

    def put(self, *messages):
        self.main.put(*messages)

    def say(self, *words):
        """Something observed that is no message."""
        self.tokens.append('said %r' % (words,))

    def admin(self, sql, undo=None):
        """The administrator's statement, around the gateway, unobserved; returns its rows as text. undo: what takes it back."""
        if not self.admins:
            self.admins.append(administrator(self.side))
        if undo:
            self.undone.append(undo)
        return [[v and v.decode() for v in row] for row in self.admins[0].rows(sql)]

    def done(self, reset):
        """Ends everything; undoes what the administrator did; resets what was written."""
        for s in self.sessions.values():
            s.bye()
        try:
            for sql in reversed(self.undone):
                self.admin(sql)
            if reset:
                self.admin('SELECT bypass.reset()')
            if self.undone and self.side.gate:
                self._back()
        finally:
            for c in self.admins:
                c.close()

    def _back(self, limit=15):
        """Once a change of the schema is undone, the gate serves as before; it may take a moment to see it."""
        end = time.monotonic() + limit
        while True:
            s = Session(Scene(self.side), self.side.place, 'back')
            s.log_in('mira')
            said = [s.q(sql) for sql in USE] if not s.over else []
            s.bye()
            refused = [pgwire.error_fields(body).get('M') for got in said for kind, body in got if kind == b'E']
            if said and not refused:
                return
            if time.monotonic() > end:
                raise AssertionError('%d s after the change was undone the gate is of no use: %s' % (limit, refused or 'no log-in'))
            time.sleep(0.1)

    def secret(self, column, key):
        """A protected value of this side, for whoever is allowed to know it (never for the attacker's text)."""
        return self.admin("SELECT %s FROM public.customers WHERE id = %d" % (column, key))[0][0]


class Admin(Conn):
    def __init__(self, place, timeout=20):
        self.target, self.buffer, self.messages_read = place, bytearray(), 0
        self.parameters, self.key, self.channel = {}, None, None
        self.sock = place.connect(timeout)


def administrator(side):
    c = Admin(side.around)
    c.startup([('user', 'admin'), ('database', side.around.database), ('lock_timeout', '8s')])
    c.login(side.around.passwords['admin'])
    c.ready()
    return c


def columns(body):
    """(name, (table, column), (type, size, modifier, format)) of a RowDescription."""
    n, at, out = struct.unpack_from('>H', body)[0], 2, []
    for _ in range(n):
        end = body.index(b'\0', at)
        table, column, oid, size, mod, fmt = struct.unpack_from('>IhIhih', body, end + 1)
        out.append((body[at:end].decode(errors='replace'), (table, column), (oid, size, mod, fmt)))
        at = end + 19
    return out
