"""A proxy that records what drivers send, so that it can be played again. It sits between a driver without TLS and PostgreSQL itself."""
import os
import select
import socket
import struct
import threading

from . import pgwire
from .env import PASSWORDS, Env, Skip, Target


class Recorder(threading.Thread):
    """Listens on a port; each session becomes (start-up packet, bytes after log-in)."""

    def __init__(self, port, server):
        super().__init__(daemon=True)
        self.server, self.sessions, self.label = server, [], ''
        self.listener = socket.create_server(('127.0.0.1', port))

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(client, self.label), daemon=True).start()

    def session(self, client, label):
        server = socket.create_connection(('127.0.0.1', self.server))
        first, sent, ready, answer = None, bytearray(), False, bytearray()
        try:
            while True:
                for s in select.select([client, server], [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        return
                    if s is client:
                        if first is None:
                            if struct.unpack_from('>I', data, 4)[0] in (pgwire.SSL_REQUEST, pgwire.GSS_REQUEST):
                                client.sendall(b'N')
                                continue
                            first = data
                        elif ready:
                            sent += data
                        server.sendall(data)
                    else:
                        if not ready:
                            answer += data
                            ready = answer[-6:-1] == b'Z\0\0\0\5'
                        client.sendall(data)
        except OSError:
            pass
        finally:
            if first and ready and sent:
                self.sessions.append((label, bytes(first), bytes(sent)))
            client.close()
            server.close()


class PlainTarget(Target):
    """The recorder as a target: no TLS, no channel binding, and no Unix socket."""

    def dsn(self, user='anna', password=None, unix=False, **more):
        return ("dbname='%s' user='%s' password='%s' host=127.0.0.1 port=%d sslmode=disable gssencmode=disable"
                % (more.pop('dbname', self.database), user, password or PASSWORDS[user], self.port)
                + ''.join(" %s='%s'" % i for i in more.items()))

    def tls(self):
        return False

    def environ(self, user='anna', **more):
        return super().environ(user, E2E_PLAIN='1', **more)


def record(env):
    """Sessions of the drivers' own tests."""
    import test_asyncpg
    import test_dbdpg
    import test_jdbc
    import test_node
    import test_psycopg2
    from . import ports
    port = ports.free_port()
    recorder = Recorder(port, env.cluster.port)
    recorder.start()
    plain = Env(env.folder, env.cluster, env.authority, None, PlainTarget(port, '/nonexistent', env.authority.cert), None)
    plain.results = os.devnull
    for module, names in ((test_psycopg2, ('types', 'named_cursor', 'prepared', 'copy_expert', 'copy_broken_input', 'large_object', 'errors', 'executemany', 'notices_and_parameters')),
                          (test_asyncpg, ('types', 'prepared', 'cursors', 'copy_records', 'executemany', 'errors', 'log_messages', 'multi_statement'))):
        recorder.label = module.__name__.replace('test_', '')
        for name in names:
            getattr(module, name)(plain)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for label, command, checks in (('dbdpg', lambda: (['perl', os.path.join(here, 'perl', 'drive.pl')], {}), 'types prepared cursor copy_both_ways errors batch large_object'),
                                   ('jdbc', lambda: (test_jdbc.command(env), {}), 'types_text types_binary prepared query_modes fetch_size batches copy_both_ways errors several_statements large_object metadata'),
                                   ('node', lambda: (['node', os.path.join(here, 'node', 'drive.js')], {'NODE_PATH': test_node.modules(env)}), 'types binary prepared cursor copy_both_ways errors')):
        try:
            args, more = command()
        except Skip as e:
            print('not recorded:', e)
            continue
        recorder.label = label
        env.run(args, env=plain.target.environ('anna', E2E_CHECKS=checks, **more), timeout=60)
    recorder.listener.close()
    return list(recorder.sessions)


def parameters(packet):
    """Start-up parameters other than user and database, and the user."""
    words = packet[8:].split(b'\0')
    pairs = [(words[i].decode(), words[i + 1].decode()) for i in range(0, len(words) - 1, 2) if words[i]]
    user = dict(pairs)['user']
    return user, [(k, v) for k, v in pairs if k not in ('user', 'database')]


def group(session, number):
    """A recorded session as a group of steps: each ends where the driver would wait for ReadyForQuery."""
    from corpus import Group
    label, first, sent = session
    if b'pg_sleep' in sent or b'pg_backend_pid' in sent:
        return None
    user, params = parameters(first)
    g = Group('%s session %d' % (label, number), user=user, params=params)
    at, step, waits = 0, b'', 0
    messages = []
    while at + 5 <= len(sent):
        length = struct.unpack_from('>I', sent, at + 1)[0]
        messages.append(sent[at:at + 1 + length])
        at += 1 + length
    for i, m in enumerate(messages):
        kind = m[:1]
        if kind == b'X':
            break
        step += m
        waits += kind in (b'Q', b'S', b'F')
        following = messages[i + 1][:1] if i + 1 < len(messages) else b'X'
        # CopyData and its end belong to the Query before them.
        if waits and kind in (b'Q', b'S', b'F', b'c', b'f') and following not in (b'd', b'c', b'f'):
            g.send(step, waits, '%d bytes' % len(step))
            step, waits = b'', 0
    return g if g.steps else None
