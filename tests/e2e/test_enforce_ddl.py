"""The database changes under statements that were judged before (SQL-RULES 4.12): every protected value bears a sentinel that must never arrive."""
import hashlib
import os
import threading
import time

import psycopg2

from lib import gate, pgwire, ports
from lib.cluster import SUPERPASS, SUPERUSER
from lib.env import Target, equal, test, true, until
from lib.pgwire import SYNC, Conn, bind, execute, parse, query

SECRET = b'zqx'
BODY = "SELECT 'region ' || $1"
SCHEMA = '''
CREATE TABLE customers (id bigint PRIMARY KEY, full_name text, phone text, province text, address text);
INSERT INTO customers SELECT i, 'zqx-name ' || i, 'zqx-phone ' || i, 'open ' || i, 'zqx-address ' || i FROM generate_series(1, 50) i;
CREATE TABLE things (id int PRIMARY KEY, what text);
INSERT INTO things SELECT i, 'thing ' || i FROM generate_series(1, 20) i;
CREATE VIEW contact AS SELECT id, province AS info FROM customers;
CREATE VIEW listed AS SELECT id, province AS info FROM customers;
CREATE FUNCTION region_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$%s$$;
CREATE SCHEMA gatehouse;
CREATE FUNCTION gatehouse.get_auth(name text) RETURNS TABLE (usename name, passwd text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin $$;
GRANT USAGE ON SCHEMA gatehouse TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
''' % BODY
POLICY = '''policy "ddl" version 1 {
  purpose "tests"
  owner "tests"
  treat enforce
  subject customer { table public.customers  key id  phone phone country 86 }
  group partner {
    treat enforce
    on table public.customers { allow read  show id, province  mask phone, full_name as fixed "***"  hide address }
    on table public.things    { allow read  show id, what }
    on table public.listed    { allow read  show id, info }
  }
  trust view public.listed
  trust function public.region_of(text) body "%s"
}
'''
STATEMENTS = ['select id, info from contact where id <= 3', 'select id, province from customers where id <= 3', 'select * from customers where id <= 3', 'select id, phone from customers where id <= 3',
              'select id, what from things where id <= 3', 'select id, info from listed where id <= 3', 'select id, region_of(province) from customers where id <= 3']
REPLACED = 'CREATE OR REPLACE VIEW %s AS SELECT id, %s AS info FROM customers'
SWAP = 'BEGIN; ALTER TABLE customers RENAME province TO x; ALTER TABLE customers RENAME address TO province; ALTER TABLE customers RENAME x TO address; COMMIT'
CHANGES = [
    (REPLACED % ('contact', 'phone'), REPLACED % ('contact', 'province')), (REPLACED % ('contact', 'upper(address)'), REPLACED % ('contact', 'province')), (SWAP, SWAP),
    ('ALTER TABLE customers ADD extra text DEFAULT \'zqx-extra\'', 'ALTER TABLE customers DROP extra'), (REPLACED % ('listed', 'full_name'), REPLACED % ('listed', 'province')),
    ('CREATE OR REPLACE FUNCTION region_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT \'other \' || $1$$', 'CREATE OR REPLACE FUNCTION region_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$%s$$' % BODY),
    ("BEGIN; ALTER TABLE things RENAME TO old_things; CREATE VIEW things AS SELECT id::int AS id, address AS what FROM customers; COMMIT", 'BEGIN; DROP VIEW things; ALTER TABLE old_things RENAME TO things; COMMIT'),
    ("BEGIN; ALTER TABLE things RENAME TO old_things; CREATE TABLE things AS SELECT id::int AS id, 'zqx-made' || phone AS what FROM customers; COMMIT", 'BEGIN; DROP TABLE things; ALTER TABLE old_things RENAME TO things; COMMIT'),
]


class Client(threading.Thread):
    """Runs its statements round and round, prepared; prepares anew what was refused. Keeps what it saw of each."""

    def __init__(self, target, number, stop):
        super().__init__(daemon=True)
        self.conn, self.number, self.stop = Conn.open(target, 'bo', unix=True), number, stop
        self.good, self.refused, self.seen, self.codes, self.fault = [0] * len(STATEMENTS), 0, set(), set(), None

    def ask(self, data, count=1):
        got = self.conn.ask(data, count)
        for kind, body in got:
            if SECRET in body:
                raise AssertionError('%s: %r' % (kind, body[:200]))
            if kind == b'E':
                self.codes.add(pgwire.error_fields(body)['C'])
        return got

    def once(self, i, prepared):
        name, sql = 's%d' % i, STATEMENTS[i]
        if name not in prepared:
            if self.number == 3:
                got = self.ask(query('prepare %s as %s' % (name, sql)))
            else:
                got = self.ask(parse(sql, name) + SYNC)
            if b'E' in pgwire.kinds(got):
                self.refused += 1
                return
            prepared.add(name)
        if self.number == 3:
            got = self.ask(query('execute ' + name))
        elif self.number == 2:
            got = self.ask(query('begin') + query('declare k no scroll cursor for ' + sql) + query('fetch 2 from k') + query('fetch all from k') + query('rollback'), 5)
        elif self.number == 1:  # a pipeline, read in parts
            got = self.ask(bind((), 'a', name) + bind((), 'b', name, rformats=[0]) + execute('a', 1) + execute('b') + execute('a') + SYNC)
        else:
            got = self.ask(bind(name=name) + execute() + SYNC)
        if b'E' in pgwire.kinds(got):
            self.refused += 1
            prepared.discard(name)
            self.ask(query('deallocate ' + name) if self.number == 3 else pgwire.close('S', name) + SYNC)
            return
        self.good[i] += 1
        self.seen |= {(i, v[:5]) for k, b in got if k == b'D' for v in pgwire.data_row(b)[1:] if v is not None}

    def run(self):
        prepared, n = set(), 0
        try:
            while not self.stop.is_set():
                self.once(n % len(STATEMENTS), prepared)
                n += 1
        except BaseException as e:
            self.fault = '%s: %s' % (type(e).__name__, e)


class Place:
    def __init__(self, env, name, ddl_check='2s'):
        self.env, self.name = env, name
        env.cluster.psql('CREATE DATABASE %s TEMPLATE template0' % name, database='postgres')
        env.cluster.psql("CREATE ROLE %s_control LOGIN PASSWORD 'control-Secret-5'" % name, database='postgres')
        env.cluster.psql(SCHEMA, database=name)
        policy = os.path.join(env.folder, name + '.gate')
        with open(policy, 'w') as f:
            f.write(POLICY % hashlib.md5(BODY.encode()).hexdigest())
        control = 'host=%s port=%d dbname=%s user=%s_control password=control-Secret-5' % (env.cluster.sockdir, env.cluster.port, name, name)
        self.gate = gate.Gate(os.path.join(env.folder, 'own-' + name), env.binary, env.cluster, ports.free_port(), env.authority, {'control': control, 'ddl_check': ddl_check}, database=name, policy=policy,
                              people=os.path.join(gate.HERE, 'enforce.csv')).start()
        self.target = Target(self.gate.port, self.gate.sockdir, env.authority.cert, database=name, gate=self.gate)
        self.dba = psycopg2.connect(host=env.cluster.sockdir, port=env.cluster.port, dbname=name, user=SUPERUSER, password=SUPERPASS)
        self.dba.autocommit = True

    def change(self, sql):
        for part in sql.split('; '):
            with self.dba.cursor() as c:
                c.execute(part)


@test(gate=True, timeout=90)
def changes_under_load(env):
    place, stop = Place(env, 'enforce_ddl', '300ms'), threading.Event()
    pid = place.gate.role_pid('gate')
    clients = [Client(place.target, n, stop) for n in range(4)]
    for c in clients:
        c.start()
    end, n = time.monotonic() + 4, 0
    while time.monotonic() < end or n < 2 * len(CHANGES):
        there, back = CHANGES[n % len(CHANGES)]
        for sql in (there, back):
            place.change(sql)
            time.sleep((0.02, 0.16)[n // len(CHANGES) % 2])  # before the gate looks at the catalogue again, and after
        n += 1
    # All is as it was: everything works again, as soon as the gate has seen that.
    before, end = [list(c.good) for c in clients], time.monotonic() + 30
    while time.monotonic() < end and not all(a > b for c in clients for a, b in zip(c.good, before[c.number])):
        time.sleep(0.1)
    stop.set()
    for c in clients:
        c.join(10)
        print(c.number, c.good, c.refused, c.seen, c.codes, c.fault)
        equal(c.fault, None, 'client %d' % c.number)
        equal(c.codes - {'42501', '0A000', '42703', '42P01', '26000', '25P02', '34000', '58030'}, set(), 'errors of client %d' % c.number)
        true(c.refused > 0 and all(a > b for a, b in zip(c.good, before[c.number])), 'client %d: %s, then %s, refused %d' % (c.number, before[c.number], c.good, c.refused))
        equal(c.conn.rows('select 1'), [[b'1']])
        c.conn.close()
    seen = set().union(*[c.seen for c in clients])
    true({(0, b'open '), (0, b'***'), (3, b'***'), (6, b'regio')} <= seen, 'not every meaning was seen: %s' % seen)
    equal(place.gate.role_pid('gate'), pid)
    place.gate.stop()


@test(gate=True)
def one_change_at_a_time(env):
    """Each change, between the Parse and the Bind of a statement, between Bind and Execute, and with a portal half read."""
    place = Place(env, 'enforce_turns')
    c = Conn.open(place.target, 'bo', unix=True)
    for there, back in CHANGES:
        if 'FUNCTION' in there:
            continue  # seen when the catalogue is looked at
        used = [s for s in STATEMENTS[:6] if not ('things' in there) or 'things' in s]
        c.ask(b''.join(parse(sql, 's%d' % i) for i, sql in enumerate(used)) + SYNC)
        place.change(there)
        for i, sql in enumerate(used):
            for got in (c.ask(bind(name='s%d' % i) + execute() + SYNC), c.ask(bind(name='s%d' % i) + execute() + SYNC), c.ask(query(sql)), c.ask(query('begin') + query(sql) + query('rollback'), 3)):
                equal([b for _, b in got if SECRET in b], [], '%s; %s' % (there, sql))
        place.change(back)
        c.ask(b''.join(pgwire.close('S', 's%d' % i) for i in range(len(used))) + SYNC)
    # What is bound is locked: a change waits for the end of the transaction, and the portal goes on as it was.
    c.ask(query('begin'))
    c.ask(parse(STATEMENTS[0], 'p') + bind((), 'p', 'p') + execute('p', 1) + SYNC)
    waits = threading.Thread(target=place.change, args=(SWAP,))
    waits.start()
    time.sleep(0.1)
    equal([pgwire.data_row(b)[1] for k, b in c.ask(execute('p') + SYNC) if k == b'D'], [b'open 2', b'open 3'])
    c.ask(query('commit'))
    waits.join(10)
    equal([pgwire.data_row(b)[1] for k, b in c.ask(bind(name='p') + execute() + SYNC) if k == b'D'], [b'open 1', b'open 2', b'open 3'])  # the view follows its column
    equal(c.rows('select id, province from customers where id = 1'), [[b'1', None]])
    c.close()
    place.gate.stop()
