"""Where the suite's races are run: a gate with count.gate, its people and an application whose tokens speak for a person that is new with every race, so that every race
has accounts of its own; and the runners."""
import collections
import os
import random
import struct
import threading
import time

from lib import gate, owner, pgwire, ports, stand, token
from lib.count import password
from lib.env import Target
from lib.marks import Marker
from lib.pgwire import SYNC, Closed, Conn, ServerError, bind, execute, parse, query

CUSTOMERS = 2000
KIND = 'customer.key'
USED_UP = '53Z01'
SESSIONS = 64
PGCOPY = b'PGCOPY\n\xff\r\n\0'


class Ground:
    """One gate. Policy lines are replaced by `policy(...)`."""

    def __init__(self, st, name, **settings):
        self.stand = st
        with open(os.path.join(stand.E2E, 'count.gate')) as f:
            self.text = f.read()
        self.g = gate.Gate(os.path.join(st.folder, name), st.binary, st.cluster, ports.free_port(), st.authority,
                           {'server_host': st.cluster.sockdir, 'server_tls': 'off', 'ledger_checkpoint': '100ms', 'shutdown_timeout': '2s', **settings},
                           policy=os.path.join(stand.E2E, 'count.gate'), people=os.path.join(stand.E2E, 'count.csv'))
        st.gates.append(self.g)
        self.issuer = token.Issuer(self.g.folder)
        self.issuer.write_keys(os.path.join(self.g.folder, 'crm.jwks'))
        owner.give(os.path.join(self.g.folder, 'crm.jwks'))
        self.target = Target(self.g.port, self.g.sockdir, st.authority.cert, gate=self.g)
        self.marker = Marker(os.path.join(self.g.folder, 'mark.keys'))
        self.key_of = {}  # mark -> customer, by epoch

    def start(self):
        self.g.start()
        return self

    def restart(self):
        """A new supervisor: it waits for nothing, whatever died before; the gate reads the ledger back."""
        self.g.stop(limit=60)
        self.g.start()

    def policy(self, old, new, wait=True):
        """Writes the policy with `old` replaced, and has it loaded."""
        assert self.text.count(old) == 1, old
        path = self.g.policy + '.new'
        with open(path, 'w') as f:
            f.write(self.text.replace(old, new))
        owner.give(path)
        os.rename(path, self.g.policy)
        at = self.g.log_size()
        self.g.hup()
        if wait and not self.g.log_has('reloaded: policy', 20, at):
            raise AssertionError('no reload within 20 s: ' + self.g.log_tail())

    def conn(self):
        return Conn.open(self.target, 'crm', password('crm'), unix=True, timeout=60)

    def customers(self, entries):
        """Whom these entries say were shown."""
        out = set()
        for e in entries:
            for t in self.marker.tuples(e):
                for kind, mark in t:
                    if kind == KIND:
                        out.add(self.customer(e['epoch'], mark))
        return out

    def customer(self, epoch, mark):
        if epoch not in self.key_of:
            self.key_of[epoch] = {self.marker.mark(epoch, KIND, i): i for i in range(1, CUSTOMERS + 1)}
        return self.key_of[epoch][mark]

    def recorded(self):
        """{(actor, employer): customers} of all look-ups on record."""
        out = collections.defaultdict(list)
        for e in self.g.entries():
            if e['kind'] in ('read', 'write') and e.get('marks') and e.get('rows'):
                out[e['actor'], e.get('employer', '')].append(e)
        return {who: self.customers(entries) for who, entries in out.items()}


class Race:
    """Persons of one employer, or one person, whose budget is that of `group`; what they got."""
    number = 0

    def __init__(self, ground, group, actors=1):
        Race.number += 1
        self.ground, self.group = ground, group
        self.org = 'Org%d' % Race.number
        self.actors = ['p%d-%d' % (Race.number, i) for i in range(actors)]
        self.tokens = [ground.issuer.token(a, org=self.org, roles=('seen', group), life=3500) for a in self.actors]
        self.received = set()
        self.lock = threading.Lock()
        self.faults = []

    def got(self, keys):
        with self.lock:
            self.received.update(keys)

    def recorded(self, all_recorded):
        return set().union(*[keys for (actor, _), keys in all_recorded.items() if actor in self.actors])


def between(a, b, order=''):
    return 'select id, full_name, phone from customers where id between %d and %d%s' % (a, b, order)


class Runner:
    """One session: asks in every way until the budget is used up. Each row is noted as soon as it is here, whatever follows."""

    def __init__(self, ground, number):
        self.ground, self.number, self.c = ground, number, None

    def drop(self):
        if self.c is not None:
            self.c.sock.close()
        self.c = None

    def enter(self, race):
        """Speaks for one of the race's persons, with a session that is there or a new one."""
        self.race = race
        if self.c is None:
            self.c = self.ground.conn()
        got = self.c.ask(query("set gatehouse.token = '%s'" % race.tokens[self.number % len(race.tokens)]))
        if pgwire.errors(got):
            raise AssertionError('token: %s' % pgwire.errors(got)[0])

    # -- the forms: each sends, and returns (number of ReadyForQuery to come, how a row tells its key)

    def simple(self, ids, rng):
        order = rng.choice(('', ' order by id', ' order by id desc', ' order by created_at, id'))
        return query('select id, full_name from customers where id = any(array[%s])%s' % (','.join(map(str, ids)), order)), 1, 'text'

    def several(self, ids, rng):
        return b''.join(query(between(i, i)) for i in ids[:4]), len(ids[:4]), 'text'

    def binary(self, ids, rng):
        a, b = min(ids), min(min(ids) + len(ids), CUSTOMERS)
        return (parse('select id, full_name, phone from customers where id between $1 and $2 order by id desc', types=[20, 20])
                + bind([struct.pack('>q', a), struct.pack('>q', b)], pformats=[1], rformats=[1]) + execute() + SYNC), 1, 'binary'

    def suspended(self, ids, rng):
        return (parse('select id, full_name from customers where id = any($1::bigint[])', types=[1016]) + bind([b'{%s}' % ','.join(map(str, ids)).encode()])
                + execute(rows=2) + execute(rows=3) + execute() + SYNC), 1, 'text'

    def pipeline(self, ids, rng):
        one = b''.join(bind([b'%d' % i], name='one') + execute() for i in ids)
        return pgwire.close('S', 'one') + parse('select id, full_name from customers where id = $1', name='one', types=[20]) + one + SYNC, 1, 'text'

    def cursor(self, ids, rng):
        end = rng.choice(('commit', 'rollback', 'rollback'))
        words = ('begin', 'declare k cursor for select id, full_name from customers where id = any(array[%s])' % ','.join(map(str, ids)), 'fetch 3 from k', 'fetch all from k', end)
        return b''.join(query(w) for w in words), len(words), 'text'

    def copy(self, ids, rng):
        return query('copy (select id, full_name, phone from customers where id = any(array[%s])) to stdout' % ','.join(map(str, ids))), 1, 'copy'

    def copy_binary(self, ids, rng):
        return query('copy (%s) to stdout (format binary)' % between(min(ids), min(ids) + len(ids))), 1, 'copy binary'

    def join(self, ids, rng):
        a = min(ids)
        return query('select c.id, o.customer_id, c.full_name, o.item from orders o join customers c on c.id = o.customer_id where c.id between %d and %d' % (a, a + len(ids))), 1, 'text'

    def linked(self, ids, rng):
        return query('select customer_id, id, item from orders where customer_id in (%s)' % ','.join(map(str, ids))), 1, 'text'

    FORMS = (simple, simple, several, binary, binary, suspended, pipeline, cursor, copy, copy_binary, join, linked)

    def key(self, how, kind, body):
        """The customer of a message with a row; None: it has none."""
        if kind == b'D' and how in ('text', 'binary'):
            v = pgwire.data_row(body)[0]
            return struct.unpack('>q', v)[0] if how == 'binary' else int(v)
        if kind == b'd' and how == 'copy':
            return int(body.split(b'\t')[0])
        if kind == b'd' and how == 'copy binary' and not body.startswith(PGCOPY) and len(body) > 2:
            return struct.unpack('>q', pgwire.data_row(body)[0])[0]
        return None

    def ask(self, form, ids, rng):
        """Codes of the errors. What goes wrong with the session is raised."""
        data, answers, how = form(self, ids, rng)
        self.c.send(data)
        return self.read(answers, how)

    def read(self, answers, how):
        codes, keys = [], []
        try:
            while answers:
                kind, body = self.c.read()
                if kind == b'E':
                    fields = pgwire.error_fields(body)
                    codes.append(fields['C'])
                    if fields['S'] == 'FATAL':
                        raise ServerError(body)
                answers -= kind == b'Z'
                k = self.key(how, kind, body)
                if k is not None:
                    keys.append(k)
        finally:
            self.race.got(keys)
        return codes

    def some(self, rng, most):
        n = rng.randint(1, most)
        if rng.random() < 0.5:
            a = rng.randint(1, CUSTOMERS - n)
            ids = list(range(a, a + n))
        else:
            ids = rng.sample(range(1, CUSTOMERS + 1), n)
        rng.shuffle(ids)
        return ids

    def rest(self, ids):
        """All of these, one after another, as far as it goes; (keys, codes). To see that a budget is used up, and what is free."""
        before, self.race.received = self.race.received, set()
        try:
            codes = self.ask(Runner.simple, ids, random.Random(1)) if ids else []
            return self.race.received, codes
        finally:
            self.race.received = before | self.race.received


def run_all(race, runners, body, watch=None, limit=120):
    """body(runner, number) in a thread each, all at once; watch() meanwhile. What they raise are faults."""
    gun = threading.Barrier(len(runners) + 1)

    def one(r, i):
        try:
            r.enter(race)
        except Exception as e:
            race.faults.append('runner %d cannot begin: %s: %s' % (i, type(e).__name__, e))
        gun.wait()
        try:
            body(r, i)
        except Exception as e:
            race.faults.append('runner %d: %s: %s' % (i, type(e).__name__, e))
            r.drop()
    threads = [threading.Thread(target=one, args=(r, i), daemon=True) for i, r in enumerate(runners)]
    for t in threads:
        t.start()
    gun.wait()
    if watch:
        watch()
    end = time.monotonic() + limit
    for t in threads:
        t.join(max(0.1, end - time.monotonic()))
    if any(t.is_alive() for t in threads):
        race.faults.append('%d runners are not at the end after %d s' % (sum(t.is_alive() for t in threads), limit))
