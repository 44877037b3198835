"""What an enforced person may use of the server's own things, and what a change of the catalogue does to a policy in force."""
import hashlib
import os
import subprocess
import sys
import time

import psycopg2

from lib import gate, ports
from lib.cluster import SUPERPASS, SUPERUSER
from lib.env import Target, equal, test, true, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
import check_functions  # noqa: E402

BODY = "SELECT 'region ' || $1"
TWO = "SELECT 'a'::text, $1"
SCHEMA = '''
CREATE TABLE customers (id bigint PRIMARY KEY, full_name text, phone text, province text, mood text);
INSERT INTO customers SELECT i, 'name ' || i, '+86138' || lpad(i::text, 8, '0'), 'p' || mod(i, 3), 'm' FROM generate_series(1, 20) i;
CREATE TABLE things (id serial PRIMARY KEY, what text);
INSERT INTO things (what) VALUES ('one');
CREATE FUNCTION region_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$%s$$;
CREATE FUNCTION two(text, OUT a text, OUT b text) LANGUAGE sql IMMUTABLE AS $$%s$$;
CREATE FUNCTION unknown_to_policy(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1$$;
CREATE VIEW customers_public AS SELECT id, upper(full_name) AS initial FROM customers;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
CREATE SCHEMA gatehouse;
CREATE FUNCTION gatehouse.get_auth(name text) RETURNS TABLE (usename name, passwd text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin $$;
GRANT USAGE ON SCHEMA gatehouse TO PUBLIC;
''' % (BODY, TWO)
POLICY = '''policy "objects" version 1 {
  purpose "tests"
  owner "tests"
  treat enforce
  subject customer {
    table public.customers
    key   id
    phone phone country 86
  }
  group partner {
    treat enforce
    on table public.customers { allow read   show id, province, full_name   mask phone as last 2 }
    on table public.things    { allow read   show id, what }
  }
  trust view public.customers_public
  trust function public.region_of(text) body "%s"
  trust function public.two(text) body "%s"
}
'''


class Place:
    """A database of its own and a gate before it, which looks at the catalogue often."""

    def __init__(self, env, name, body=BODY, encoding='UTF8', start=True):
        self.env, self.name = env, name
        env.cluster.psql('CREATE DATABASE %s TEMPLATE template0 ENCODING %s LOCALE \'C\'' % (name, encoding), database='postgres')
        env.cluster.psql("CREATE ROLE %s_control LOGIN PASSWORD 'control-Secret-5'" % name, database='postgres')
        self.admin(SCHEMA)
        policy = os.path.join(env.folder, name + '.gate')
        with open(policy, 'w') as f:
            f.write(POLICY % (hashlib.md5(body.encode()).hexdigest(), hashlib.md5(TWO.encode()).hexdigest()))
        control = 'host=%s port=%d dbname=%s user=%s_control password=control-Secret-5' % (env.cluster.sockdir, env.cluster.port, name, name)
        self.gate = gate.Gate(os.path.join(env.folder, 'own-' + name), env.binary, env.cluster, ports.free_port(), env.authority,
                              {'control': control, 'ddl_check': '400ms', 'workers': '1'}, database=name, policy=policy)
        if start:
            self.gate.start()
        self.target = Target(self.gate.port, self.gate.sockdir, env.authority.cert, database=name, gate=self.gate)

    def admin(self, sql):
        return self.env.cluster.psql(sql, database=self.name)

    def connect(self, user='bo'):
        conn = psycopg2.connect(self.target.dsn(user))
        conn.autocommit = True
        return conn

    def refused(self, conn, sql):
        """The refusal's text; '' when it was not refused."""
        try:
            with conn.cursor() as c:
                c.execute(sql)
            return ''
        except psycopg2.Error as e:
            return '%s: %s' % (e.pgcode, e.diag.message_primary)

    def rows(self, conn, sql):
        with conn.cursor() as c:
            c.execute(sql)
            return c.fetchall()


@test()
def lists(env):
    """Every function and system relation of the server is allowed, or left out for one reason."""
    dsn = 'host=%s port=%d dbname=postgres user=%s password=%s' % (env.cluster.sockdir, env.cluster.port, SUPERUSER, SUPERPASS)
    done = subprocess.run([sys.executable, '-B', os.path.join(ROOT, 'tools', 'check_functions.py'), dsn], capture_output=True, text=True)
    print(done.stdout, done.stderr)
    equal((done.returncode, done.stdout.count('\n')), (0, 1), (done.stdout + done.stderr)[-600:])


@test(gate=True, timeout=120)
def system_relations(env):
    """All that are listed can be read as a whole; the others are refused with their family's reason."""
    place = Place(env, 'objects_systems')
    names = ['%s.%s' % (row[0], n) for row in check_functions.rows('policy_systems.def', 'SYSTEMS') for n in row[1:]]
    conn = place.connect('dba')  # a superuser: what is refused is refused by the gate
    faults = ['%s: %s' % (n, why) for n in names if n != 'pg_catalog.pg_authid' for why in [place.refused(conn, 'SELECT * FROM %s LIMIT 1' % n)] if why]
    equal(faults, [], 'listed, but refused')
    left = [r for row in check_functions.rows('policy_left_out.def', 'LEFT_OUT_RELATIONS') for r in row[2:]]
    for name in left:
        found = [n for (n,) in place.rows(conn, "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                                                "WHERE n.nspname || '.' || c.relname ~ '^%s$' AND c.relkind IN ('r', 'v')" % name.replace('.', '[.]').replace('*', '.*'))]
        true(found, name + ' matches nothing')
        faults += [n for n in found if not place.refused(conn, 'SELECT * FROM ' + n).startswith('42501')]
    equal(faults, [], 'left out, but not refused')
    true(place.refused(conn, 'SELECT rolpassword FROM pg_authid').startswith('42501'), 'pg_authid.rolpassword')
    true(place.refused(conn, 'SELECT a FROM pg_authid a').startswith('42501'), 'whole rows of pg_authid')
    equal(place.rows(conn, "SELECT rolname FROM pg_roles WHERE rolname = 'bo'"), [('bo',)])
    conn.close()
    equal(place.gate.stop(), 0)


CALLS = [  # one of each family, and a part of its reason
    ("query_to_xml('select 1', true, true, '')", 'runs SQL text'), ("table_to_xml('things'::regclass, true, true, '')", 'reads a whole table'),
    ("set_config('a.b', '1', false)", 'settings'), ("pg_notify('a', 'b')", 'listen'), ('lo_create(0)', 'large objects'),
    ("nextval('things_id_seq')", 'counter'), ('pg_advisory_lock(1)', 'locks'), ('pg_sleep(0)', 'wait'), ('random()', 'gen_random_uuid'),
    ('pg_cancel_backend(1)', 'acts on other sessions'), ('pg_stat_get_numscans(1::oid)', 'other sessions do'),
    ("(SELECT count(*) FROM pg_cursor())", 'cursors'), ("pg_relation_size('things')", 'size on disk'), ('txid_current()', 'transaction number'),
    ("pg_logical_emit_message(false, 'a', 'b')", 'replicas'), ("pg_read_file('x')", 'files'), ("int4in('1')", 'write a cast'),
    ("public.unknown_to_policy('a')", 'trust function'),
]
FINE = ["version()", "now()", "clock_timestamp()", "current_setting('server_version')", "pg_backend_pid()", "gen_random_uuid()", "has_table_privilege('things', 'SELECT')",
        "pg_get_viewdef('customers_public'::regclass)", "format_type(23, NULL)", "to_regclass('things')", "quote_ident('a b')", "upper('a')", "'3'::int + 4",
        "array_length(string_to_array('a,b', ','), 1)", "jsonb_build_object('a', 1) -> 'a'", "to_char(now(), 'YYYY')", "md5('a')", "obj_description('things'::regclass)",
        "inet_client_addr()", "pg_is_in_recovery()", "public.region_of('x')", "count(*)", "row_number() OVER ()", "current_user", "regexp_replace('abc', 'b', 'x')"]


@test(gate=True)
def functions(env):
    place = Place(env, 'objects_functions')
    conn = place.connect('dba')
    for call, why in CALLS:
        told = place.refused(conn, 'SELECT %s' % call)
        true(told.startswith('42501') and why in told, '%s: %s' % (call, told or 'was not refused'))
    for call in FINE:
        equal(place.refused(conn, 'SELECT %s' % call), '', call)
    equal(place.gate.stop(), 0)


@test(gate=True)
def refuses_to_start(env):
    """A policy that cannot be enforced is not in force: another body, another encoding, no second connection."""
    place = Place(env, 'objects_body', body='SELECT $1', start=False)
    other = Place(env, 'objects_latin', encoding='LATIN1', start=False)
    for p, word in ((place, 'public.region_of(text) has another body'), (other, "the database's encoding is LATIN1")):
        p.gate.start(wait=False)
        true(p.gate.log_has(word), '%s: %s' % (word, p.gate.log_tail()))
        p.gate.stop()
        true(not p.gate.log_has('gate is ready', 0.1), 'it serves')


@test(gate=True, timeout=120)
def catalogue_changes(env):
    place = Place(env, 'objects_ddl')
    conn = place.connect()
    phone = 'SELECT phone FROM customers WHERE id = 1'
    seen = place.rows(conn, phone)
    true(seen[0][0].endswith('01') and seen[0][0] != '+8613800000001', seen)
    equal(place.rows(conn, "SELECT region_of('x')"), [('region x',)])
    equal(place.rows(conn, 'SELECT initial FROM customers_public WHERE id = 1'), [('NAME 1',)])

    # A trusted function gets another body: refused, and the rest goes on. The old body: allowed again.
    start = place.gate.log_size()
    place.admin('CREATE OR REPLACE FUNCTION region_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT phone FROM customers LIMIT 1$$')
    until(lambda: 'region_of' in place.refused(conn, "SELECT region_of('x')"), 10, 'a replaced function is refused')
    true(place.gate.log_has('region_of(text) has another body', 5, start), place.gate.log_tail())
    equal(place.rows(conn, phone), seen)
    place.admin('CREATE OR REPLACE FUNCTION region_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$%s$$' % BODY)
    until(lambda: not place.refused(conn, "SELECT region_of('x')"), 10, 'the old body is trusted again')

    # A trusted view shows something else: at once its columns are judged as what they are.
    place.admin('CREATE OR REPLACE VIEW customers_public AS SELECT id, upper(phone) AS initial FROM customers')
    true(place.refused(conn, 'SELECT initial FROM customers_public').startswith('42501'), 'a changed view is trusted')
    time.sleep(1)
    true(place.refused(conn, 'SELECT initial FROM customers_public').startswith('42501'), 'a changed view is trusted after a look')

    # A column changes its name, and another one takes it over.
    start = place.gate.log_size()
    place.admin('DROP VIEW customers_public; ALTER TABLE customers RENAME phone TO telephone; ALTER TABLE customers RENAME province TO phone')
    true(place.gate.log_has('column public.customers.phone has another name now', 10, start), place.gate.log_tail())
    equal(place.rows(conn, 'SELECT telephone FROM customers WHERE id = 1'), seen)
    equal(place.rows(conn, 'SELECT phone FROM customers WHERE id = 1'), [('p1',)])

    # A table changes its name; a new one takes it over; a new column.
    place.admin('ALTER TABLE customers RENAME TO clients; CREATE TABLE customers (id bigint, phone text); GRANT SELECT ON customers TO PUBLIC; '
                "INSERT INTO customers VALUES (1, '+8613800000001'); ALTER TABLE clients ADD secret text")
    until(lambda: not place.refused(conn, 'SELECT id FROM clients'), 10, 'the table under its new name')
    equal(place.rows(conn, 'SELECT telephone FROM clients WHERE id = 1'), seen)
    for sql in ('SELECT phone FROM customers', 'SELECT id FROM customers', 'SELECT secret FROM clients', 'SELECT upper(telephone) FROM clients'):
        true(place.refused(conn, sql).startswith('42501'), sql)

    # A reload binds by name again, and says what is not there.
    start = place.gate.log_size()
    place.gate.hup()
    true(place.gate.log_has('reload failed', 10, start), place.gate.log_tail())
    equal(place.rows(conn, 'SELECT telephone FROM clients WHERE id = 1'), seen)
    conn.close()
    equal(place.gate.stop(), 0)


@test(gate=True, timeout=120)
def control_connection_gone(env):
    """Nobody can see whether the catalogue was changed: new statements of enforced people are refused until somebody can."""
    place = Place(env, 'objects_blind')
    conn = place.connect()
    equal(place.refused(conn, 'SELECT 1'), '')
    place.admin("ALTER ROLE objects_blind_control NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'objects_blind_control'")
    n = iter(range(1000))
    until(lambda: place.refused(conn, 'SELECT %d' % next(n)).startswith('58030'), 10, 'a refusal')
    place.admin('ALTER ROLE objects_blind_control LOGIN')
    until(lambda: not place.refused(conn, 'SELECT %d' % next(n)), 10, 'answers again')
    # A reload asks the server everything once more, from within the sandbox; what was trusted still is.
    start = place.gate.log_size()
    place.gate.hup()
    true(place.gate.log_has('reloaded: policy', 10, start), place.gate.log_tail())
    equal(place.rows(conn, "SELECT region_of('x')"), [('region x',)])
    equal(place.rows(conn, 'SELECT initial FROM customers_public WHERE id = 1'), [('NAME 1',)])
    conn.close()
    equal(place.gate.stop(), 0)


@test(gate=True)
def trees_within_trees(env):
    """An immutable function of constants runs while the server plans: its own tree comes where the statement's would come if it was changed."""
    place = Place(env, 'objects_nested')
    conn = place.connect()
    seen = place.rows(conn, 'SELECT phone FROM customers WHERE id = 1')
    true(seen[0][0] != '+8613800000001', seen)
    for _ in range(3):
        # As many columns as the statement: its decision must not be taken for the statement's.
        equal(place.rows(conn, "SELECT id, phone FROM customers WHERE (two('x')).a = 'a' AND id = 1"), [(1, seen[0][0])])
        equal(place.rows(conn, "SELECT phone FROM customers WHERE region_of('x') = 'region x' AND id = 1"), seen)
        equal(place.rows(conn, "SELECT region_of('x'), phone, initial FROM customers JOIN customers_public USING (id) WHERE id = 1"),
              [('region x', seen[0][0], 'NAME 1')])
    conn.close()
    equal(place.gate.stop(), 0)
