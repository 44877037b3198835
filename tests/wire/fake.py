"""A PostgreSQL that does what it is told: the hostile server. Each connection plays the script that its application_name names."""
import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
import threading
import time

from lib.pgwire import SSL_REQUEST, Closed, cstr, msg


def column(name='id', table=0, att=0, oid=23, typlen=4, typmod=-1, fmt=0):
    return cstr(name) + struct.pack('>IhIhih', table, att, oid, typlen, typmod, fmt)


def row_description(*columns, count=None):
    return msg(b'T', struct.pack('>H', len(columns) if count is None else count), *columns)


def data_row(*values, count=None):
    return msg(b'D', struct.pack('>H', len(values) if count is None else count),
               *[struct.pack('>i', -1) if v is None else struct.pack('>i', len(v)) + v for v in values])


def error(code='42601', text='no', severity='ERROR'):
    return msg(b'E', b'S' + cstr(severity), b'V' + cstr(severity), b'C' + cstr(code), b'M' + cstr(text), b'\0')


def status(name, value):
    return msg(b'S', cstr(name), cstr(value))


def auth(code, rest=b''):
    return msg(b'R', struct.pack('>I', code), rest)


def tag(text):
    return msg(b'C', cstr(text))


OK, READY, KEY = auth(0), msg(b'Z', b'I'), msg(b'K', struct.pack('>II', 77, 88))
T, D, C, Z = row_description(column()), data_row(b'1'), tag('SELECT 1'), READY
PARAMETERS = status('server_version', '15.0') + status('client_encoding', 'UTF8') + status('standard_conforming_strings', 'on')
WELCOME = OK + PARAMETERS + KEY + READY


class Session:
    def __init__(self, sock, first, server):
        self.sock, self.server, self.buffer = sock, server, b''
        words = first[8:].split(b'\0')
        self.params = dict(zip(words[::2], words[1::2]))
        self.name = self.params.get(b'application_name', b'').decode()

    def send(self, data):
        self.sock.sendall(data)

    def _need(self, n):
        while len(self.buffer) < n:
            data = self.sock.recv(65536)
            if not data:
                raise Closed()
            self.buffer += data

    def read(self):
        self._need(5)
        n = struct.unpack_from('>I', self.buffer, 1)[0]
        self._need(1 + n)
        kind, body, self.buffer = self.buffer[:1], self.buffer[5:1 + n], self.buffer[1 + n:]
        return kind, body

    def until(self, kind):
        while self.read()[0] != kind:
            pass

    def welcome(self):
        self.send(WELCOME)

    def good(self):
        """An honest server with one row, for as long as the client likes."""
        while True:
            kind, body = self.read()
            if kind == b'X':
                return
            self.send({b'Q': T + D + C + Z, b'P': msg(b'1'), b'B': msg(b'2'), b'C': msg(b'3'), b'E': D + C, b'S': Z, b'F': msg(b'V', b'\xff' * 4) + Z,
                       b'D': (msg(b't', b'\0\0') if body[:1] == b'S' else b'') + T}.get(kind, b''))

    def scram(self, first=None, final=None, extra=b''):
        """The server's part of SCRAM, truly; first(text), final(text) may change what it says."""
        self.send(auth(10, cstr('SCRAM-SHA-256') + b'\0'))
        _, body = self.read()
        client_first = body[body.index(b'\0') + 5:]
        bare = client_first.split(b',', 2)[2]
        iterations, salt, stored, server_key = self.server.verifier
        nonce = bare.split(b'r=')[1] + base64.b64encode(os.urandom(12))
        text = b'r=%s,s=%s,i=%d' % (nonce, salt, iterations)
        self.send(auth(11, first(text, bare) if first else text))
        kind, body = self.read()
        assert kind == b'p'
        signed = bare + b',' + text + b',' + body.split(b',p=')[0]
        signature = hmac.digest(stored, signed, 'sha256')
        key = bytes(a ^ b for a, b in zip(base64.b64decode(body.split(b',p=')[1]), signature))
        if hashlib.sha256(key).digest() != stored:
            self.send(error('28P01', 'wrong proof', 'FATAL'))
            raise Closed()
        text = b'v=' + base64.b64encode(hmac.digest(server_key, signed, 'sha256'))
        if final:
            text = final(text)
        if text is not None:
            self.send(auth(12, text) + extra)


def taken(sock, limit=2):
    """Waits until the peer, on this machine, has read all that was sent to it; what comes to it later is then later for it, too."""
    ends = sock.getpeername()[1], sock.getsockname()[1]
    until = time.monotonic() + limit
    while time.monotonic() < until:
        with open('/proc/net/tcp') as f:
            rows = [line.split() for line in f.readlines()[1:]]
        waiting = [int(r[4].split(':')[1], 16) for r in rows if (int(r[1][-4:], 16), int(r[2][-4:], 16)) == ends]
        if not any(waiting):
            return
        time.sleep(0.002)


class Fake:
    """scripts: {application_name: function(session)}; anything else is served honestly."""

    def __init__(self, port, verifier, certificate=None):
        self.port, self.scripts, self.certificate, self.before_tls = port, {}, certificate, {}
        self.ssl_answer = None   # function(socket): in place of the answer to SSLRequest
        self.got = {}            # script -> what the gate sent after the script's turn
        m = re.match(r'SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$', verifier)
        self.verifier = int(m[1]), m[2].encode(), base64.b64decode(m[3]), base64.b64decode(m[4])
        self.listener = socket.create_server(('127.0.0.1', port), backlog=200)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(30)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _first(self, sock):
        data = b''
        while len(data) < 4 or len(data) < struct.unpack('>I', data[:4])[0]:
            more = sock.recv(4 - len(data) if len(data) < 4 else struct.unpack('>I', data[:4])[0] - len(data))
            if not more:
                raise Closed()
            data += more
        return data

    def _serve(self, sock):
        try:
            first = self._first(sock)
            if struct.unpack_from('>I', first, 4)[0] == SSL_REQUEST:
                if self.ssl_answer:
                    self.ssl_answer(sock)
                    return
                sock.sendall(b'S' if self.certificate else b'N')
                if self.certificate:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(*self.certificate)
                    sock = context.wrap_socket(sock, server_side=True)
                first = self._first(sock)
            s = Session(sock, first, self)
            script = self.scripts.get(s.name)
            if script:
                script(s)
            else:
                s.welcome()
                s.good()
        except (Closed, OSError, ssl.SSLError):
            pass
        finally:
            try:
                sock.close()
            except OSError:
                pass

    def close(self):
        self.listener.close()
