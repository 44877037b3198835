"""A PostgreSQL protocol client that hides nothing: every message is sent by hand and every byte of the answer is kept.
Log-in with SCRAM-SHA-256 and SCRAM-SHA-256-PLUS is its own, so that a mistake in libpq and in the gate cannot cancel out."""
import base64
import hashlib
import hmac
import os
import select
import socket
import ssl
import struct
import time
import unicodedata

from .env import PASSWORDS

PROTOCOL_30, PROTOCOL_32 = 0x30000, 0x30002
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102


class Closed(Exception):
    """The peer ended the connection."""


class ServerError(Exception):
    def __init__(self, payload):
        self.fields = error_fields(payload)
        super().__init__('%(C)s: %(M)s' % {'C': self.fields.get('C'), 'M': self.fields.get('M')})

    @property
    def code(self):
        return self.fields.get('C')


def error_fields(payload):
    out = {}
    for part in payload.split(b'\0'):
        if part:
            out[chr(part[0])] = part[1:].decode(errors='replace')
    return out


# -- frontend messages

def msg(kind, *parts):
    body = b''.join(parts)
    return kind + struct.pack('>I', len(body) + 4) + body


def cstr(text):
    return (text if isinstance(text, bytes) else text.encode()) + b'\0'


def query(sql):
    return msg(b'Q', cstr(sql))


def parse(sql, name='', types=()):
    return msg(b'P', cstr(name), cstr(sql), struct.pack('>H', len(types)), *[struct.pack('>I', t) for t in types])


def bind(values=(), portal='', name='', pformats=(), rformats=()):
    """values: bytes or None each."""
    out = [cstr(portal), cstr(name), struct.pack('>H', len(pformats)), *[struct.pack('>h', f) for f in pformats],
           struct.pack('>H', len(values))]
    for v in values:
        out.append(struct.pack('>i', -1) if v is None else struct.pack('>i', len(v)) + v)
    out += [struct.pack('>H', len(rformats)), *[struct.pack('>h', f) for f in rformats]]
    return msg(b'B', *out)


def describe(what='P', name=''):
    return msg(b'D', what.encode(), cstr(name))


def execute(portal='', rows=0):
    return msg(b'E', cstr(portal), struct.pack('>I', rows))


def close(what='S', name=''):
    return msg(b'C', what.encode(), cstr(name))


def call(oid, args=(), formats=(), result=0):
    out = [struct.pack('>I', oid), struct.pack('>H', len(formats)), *[struct.pack('>h', f) for f in formats],
           struct.pack('>H', len(args))]
    for v in args:
        out.append(struct.pack('>i', -1) if v is None else struct.pack('>i', len(v)) + v)
    return msg(b'F', *out, struct.pack('>h', result))


def copy_data(data):
    return msg(b'd', data)


SYNC, FLUSH, COPY_DONE, TERMINATE = msg(b'S'), msg(b'H'), msg(b'c'), msg(b'X')


def copy_fail(why):
    return msg(b'f', cstr(why))


def extended(sql, values=(), types=(), pformats=(), rformats=(), rows=0):
    """Parse, Bind, Describe, Execute of the unnamed statement, and Sync."""
    return parse(sql, types=types) + bind(values, pformats=pformats, rformats=rformats) + describe() + execute(rows=rows) + SYNC


def startup_packet(params, version=PROTOCOL_30):
    body = struct.pack('>I', version) + b''.join(cstr(k) + cstr(v) for k, v in params) + b'\0'
    return struct.pack('>I', len(body) + 4) + body


class Conn:
    """steps: connect (in the constructor), tls(), startup(), login(), ready(). open() does all of them."""

    def __init__(self, target, unix=False, timeout=20):
        self.target, self.buffer, self.messages_read = target, bytearray(), 0
        self.parameters, self.key, self.channel = {}, None, None
        if unix:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(os.path.join(target.sockdir, '.s.PGSQL.%d' % target.port))
        else:
            self.sock = socket.create_connection(('127.0.0.1', target.port), timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def open(cls, target, user='anna', password=None, database=None, unix=False, tls=True, params=(), version=PROTOCOL_30,
             plus=None, timeout=20):
        c = cls(target, unix, timeout)
        try:
            if tls and not unix:
                c.start_tls()
            c.startup([('user', user), ('database', database or target.database), *params], version)
            c.login(PASSWORDS.get(user, '') if password is None else password, plus)
            c.ready()
            return c
        except BaseException:
            c.sock.close()
            raise

    def start_tls(self, alpn=None, direct=False, context=None):
        context = context or self.target.tls()
        if alpn:
            context.set_alpn_protocols(alpn)
        if not direct:
            self.sock.sendall(struct.pack('>II', 8, SSL_REQUEST))
            answer = self.sock.recv(1)
            if answer == b'E':  # an error without TLS, from who cannot serve anybody now
                self.buffer += answer
                raise ServerError(self.read()[1])
            if not answer:
                raise Closed('the server closed the connection in place of an answer to SSLRequest')
            if answer != b'S':
                raise AssertionError('SSLRequest answered %r' % answer)
        self.sock = context.wrap_socket(self.sock, server_hostname='localhost')
        self.channel = hashlib.sha256(self.sock.getpeercert(binary_form=True)).digest()

    def startup(self, params, version=PROTOCOL_30):
        self.send(startup_packet(params, version))

    def login(self, password, plus=None):
        """The SASL exchange up to AuthenticationOk. plus: True demands channel binding, False avoids it, None takes it when
        offered over TLS."""
        while True:
            kind, body = self.read()
            if kind == b'E':
                raise ServerError(body)
            if kind == b'v':
                self.negotiated = body
                continue
            if kind != b'R':
                raise AssertionError('expected authentication, got %r' % kind)
            code = struct.unpack_from('>I', body)[0]
            if code == 0:
                return self
            if code != 10:
                raise AssertionError('authentication method %d' % code)
            self.mechanisms = [m.decode() for m in body[4:].split(b'\0') if m]
            if plus is None:
                plus = self.channel is not None and 'SCRAM-SHA-256-PLUS' in self.mechanisms
            self._scram(password, plus)

    def _scram(self, password, plus):
        name = 'SCRAM-SHA-256-PLUS' if plus else 'SCRAM-SHA-256'
        gs2 = b'p=tls-server-end-point,,' if plus else (b'y,,' if self.channel and False else b'n,,')
        nonce = base64.b64encode(os.urandom(18))
        first_bare = b'n=,r=' + nonce
        first = gs2 + first_bare
        self.send(msg(b'p', cstr(name), struct.pack('>I', len(first)), first))
        kind, body = self.read()
        if kind == b'E':
            raise ServerError(body)
        server_first = body[4:]
        words = dict(p.split(b'=', 1) for p in server_first.split(b','))
        assert words[b'r'].startswith(nonce)
        secret = unicodedata.normalize('NFKC', password).encode()
        salted = hashlib.pbkdf2_hmac('sha256', secret, base64.b64decode(words[b's']), int(words[b'i']))
        client_key = hmac.digest(salted, b'Client Key', 'sha256')
        final = b'c=' + base64.b64encode(gs2 + (self.channel if plus else b'')) + b',r=' + words[b'r']
        signed = first_bare + b',' + server_first + b',' + final
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, 'sha256')
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.send(msg(b'p', final + b',p=' + base64.b64encode(proof)))
        kind, body = self.read()
        if kind == b'E':
            raise ServerError(body)
        server_key = hmac.digest(salted, b'Server Key', 'sha256')
        if body[4:] != b'v=' + base64.b64encode(hmac.digest(server_key, signed, 'sha256')):
            raise AssertionError('the server did not prove that it knows the password')

    def ready(self):
        """Reads up to ReadyForQuery; returns the messages."""
        out = []
        while True:
            kind, body = self.read()
            out.append((kind, body))
            if kind == b'E':
                raise ServerError(body)
            if kind == b'S':
                k, v = body[:-1].split(b'\0')
                self.parameters[k.decode()] = v.decode()
            if kind == b'K':
                self.key = body
            if kind == b'Z':
                return out

    # -- bytes

    def send(self, data):
        self.sock.sendall(data)

    def _fill(self):
        data = self.sock.recv(262144)
        if not data:
            raise Closed('the server closed the connection after %d messages' % self.messages_read)
        self.buffer += data

    def _next(self):
        """The first message of the buffer; None: it is not all there yet."""
        if len(self.buffer) < 5:
            return None
        length = struct.unpack_from('>I', self.buffer, 1)[0]
        if len(self.buffer) < 1 + length:
            return None
        kind, body = bytes(self.buffer[:1]), bytes(self.buffer[5:1 + length])
        del self.buffer[:1 + length]
        self.messages_read += 1
        return kind, body

    def read(self):
        """One message: (type byte, payload)."""
        while True:
            m = self._next()
            if m:
                return m
            self._fill()

    def read_until(self, kinds=b'Z', count=1):
        """Messages up to and with the count-th whose type is in kinds. A connection that ends after an error raises that error."""
        out = []
        while count:
            try:
                m = self.read()
            except (Closed, ConnectionError):
                for kind, body in out:
                    if kind == b'E':
                        raise ServerError(body) from None
                raise
            out.append(m)
            if m[0] in kinds:
                count -= 1
        return out

    def send_and_read(self, data, count):
        """Sends while reading; returns messages up to the count-th ReadyForQuery. In one thread, because OpenSSL's state of a connection
        must not be used by two at once: a reader then takes the other thread's "nothing to do" for the end of the connection."""
        out, at, limit = [], 0, self.sock.gettimeout()
        waits = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
        self.sock.setblocking(False)
        try:
            while count:
                before = at
                try:
                    if at < len(data):
                        at += self.sock.send(data[at:at + 65536])
                except waits:
                    pass
                moved = at > before
                try:
                    self._fill()
                    moved = True
                except waits:
                    pass
                while count and (m := self._next()):
                    out.append(m)
                    count -= m[0] == b'Z'
                if count and not moved and not any(select.select([self.sock], [self.sock] if at < len(data) else [], [], limit)):
                    raise TimeoutError('nothing moved within %s s; %d of %d bytes sent, %d messages read' % (limit, at, len(data), len(out)))
        finally:
            self.sock.settimeout(limit)
        return out

    def settle(self, quiet=0.15, limit=10):
        """Messages that come until nothing has come for `quiet` seconds."""
        out, old = [], self.sock.gettimeout()
        end = time.monotonic() + limit
        try:
            self.sock.settimeout(quiet)
            while time.monotonic() < end:
                try:
                    out.append(self.read())
                except (TimeoutError, ssl.SSLWantReadError):
                    break
        finally:
            self.sock.settimeout(old)
        return out

    # -- conveniences

    def ask(self, data, count=1):
        """Sends; returns messages up to the count-th ReadyForQuery."""
        self.send(data)
        return self.read_until(b'Z', count)

    def rows(self, sql, values=None, **more):
        """Rows of a statement as lists of bytes or None; raises ServerError."""
        got = self.ask(query(sql) if values is None else extended(sql, values, **more))
        for kind, body in got:
            if kind == b'E':
                raise ServerError(body)
        return [data_row(body) for kind, body in got if kind == b'D']

    def close(self):
        try:
            self.send(TERMINATE)
        except OSError:
            pass
        self.sock.close()

    def closed(self, limit=10):
        """Whether the peer ends the connection within the limit (bytes before that are read and dropped)."""
        self.sock.settimeout(limit)
        try:
            while True:
                self.read()
        except Closed:
            return True
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except (ConnectionError, ssl.SSLError, OSError):
            return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def data_row(body):
    n, at, out = struct.unpack_from('>H', body)[0], 2, []
    for _ in range(n):
        length = struct.unpack_from('>i', body, at)[0]
        at += 4
        if length < 0:
            out.append(None)
        else:
            out.append(body[at:at + length])
            at += length
    return out


def cancel(target, key, unix=False, tls=True):
    """A CancelRequest with this key data (pid and secret as in BackendKeyData)."""
    c = Conn(target, unix)
    if tls and not unix:
        c.start_tls()
    c.send(struct.pack('>II', 8 + len(key), CANCEL_REQUEST) + key)
    c.closed(5)
    c.sock.close()


def errors(messages):
    return [error_fields(body) for kind, body in messages if kind == b'E']


def kinds(messages):
    return b''.join(kind for kind, _ in messages)
