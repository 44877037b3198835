"""What both fault tests do: look people up through the gate, keep a list of every row that came, and hold the ledger against it."""
import itertools
import os
import struct
import time

from lib import pgwire
from lib.marks import Marker
from lib.pgwire import Closed, Conn, ServerError, bind, describe, execute, parse, query

KEY = 'customer.key'
CUSTOMERS = 200000
MORE_CUSTOMERS = """INSERT INTO customers (id, full_name, created_at) SELECT i, 'Customer ' || i, now() FROM generate_series(2001, %d) i;
ANALYZE customers""" % CUSTOMERS


class Client:
    """One client of one gate. Each key is asked for once, so that a row and its entry are a pair."""

    def __init__(self, target, first=1, step=1):
        self.target, self.keys, self.conn = target, itertools.count(first, step), None
        self.received, self.errors = [], []

    def connect(self):
        if self.conn is None:
            self.conn = Conn.open(self.target, 'bo', unix=True, timeout=30)
        return self.conn

    def drop(self):
        if self.conn is not None:
            self.conn.sock.close()
        self.conn = None

    def look(self, count=1, how='simple'):
        """Asks for `count` customers; every row is noted as it comes. Raises what goes wrong; the session is gone then."""
        keys = list(itertools.islice(self.keys, count))
        assert keys[-1] <= CUSTOMERS
        if how == 'simple':
            data, answers = b''.join(query('select id, full_name from customers where id = %d' % k) for k in keys), count
        elif how == 'extended':
            data = b''.join(parse('select id, full_name from customers where id = $1', types=[20]) + bind([b'%d' % k]) + describe() + execute() for k in keys)
            data, answers = data + pgwire.SYNC, 1
        else:
            data, answers = query('select id, full_name from customers where id = any(array[%s])' % ','.join(map(str, keys))), 1
        c, rows, wrong = self.connect(), 0, None
        try:
            c.send(data)
            while answers:
                kind, body = c.read()
                if kind == b'D':
                    self.received.append(int(pgwire.data_row(body)[0]))
                    rows += 1
                elif kind == b'E':
                    wrong = ServerError(body)
                    if wrong.fields.get('S') == 'FATAL':
                        raise wrong
                elif kind == b'Z':
                    answers -= 1
        except (ServerError, Closed, OSError) as e:
            # What had arrived behind a broken send was received as well.
            self._rest(c)
            self.drop()
            raise wrong or e
        if wrong:
            raise wrong
        if rows != count:
            raise AssertionError('%d rows of %d' % (rows, count))

    def _rest(self, c):
        try:
            c.sock.settimeout(1)
            while True:
                kind, body = c.read()
                if kind == b'D':
                    self.received.append(int(pgwire.data_row(body)[0]))
                elif kind == b'E':
                    raise ServerError(body)
        except (Closed, OSError, struct.error):
            pass


def looks_again(client, limit=20):
    """Time until a look-up works again, with new sessions; raises when it does not."""
    began = time.monotonic()
    while True:
        try:
            client.look()
            return time.monotonic() - began
        except (ServerError, Closed, OSError) as e:
            client.drop()
            if time.monotonic() - began > limit:
                raise AssertionError('no look-up works again after %d s: %s' % (limit, e))
            time.sleep(0.03)


def checkpoint_size(g):
    """Entries under the published checkpoint; 0 before the first."""
    try:
        with open(os.path.join(g.ledger_dir, 'checkpoint')) as f:
            return int(f.read().split('\n')[1])
    except (OSError, IndexError, ValueError):
        return 0


def verifies(g, limit=5):
    """Faults. The files change while they are read and a role may be between two of its lives, so a failure must last."""
    end = time.monotonic() + limit
    while True:
        status, text = g.verify()
        if status == 0:
            return []
        if time.monotonic() > end:
            return ['ledger verify: ' + ' '.join(text.split())[:500]]
        time.sleep(0.2)


def unrecorded(g, clients):
    """Faults: rows that a client got and that are not in the ledger. Waits for nothing: what was released was durable before."""
    received = [k for c in clients for k in c.received]
    entries = [e for e in g.entries(kind='read') if e.get('marks')]
    marker = Marker(os.path.join(g.folder, 'mark.keys'))
    seen = marker.seen(entries, KEY)
    epochs = {e['epoch'] for e in entries}
    lost = [k for k in received if not any(marker.mark(epoch, KEY, k) in seen for epoch in epochs)]
    if lost:
        return ['%d of %d customers seen are not in the ledger: %s' % (len(lost), len(received), lost[:20])]
    return []
