"""gatehouse init DIR: what it proposes for schemas as people have them, and that the files it writes work: `policy check` with and without the database, and a gate that serves
and records with them. Each test makes a database of its own."""
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import time

from lib import cluster as clusters, owner, ports
from lib.env import PASSWORDS, equal, test, true, until

SUPER = 'user=%s password=%s' % (clusters.SUPERUSER, clusters.SUPERPASS)
ETC = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'etc')

SHOP = """
CREATE TABLE customers (id bigserial PRIMARY KEY, full_name text, phone text, email text, birthday date, address text, zip text, province text, apple_id text, note text,
  since timestamptz DEFAULT now(), newsletter bool, points int, photo bytea);
INSERT INTO customers (full_name, phone, email, birthday, address, zip, province, apple_id, note)
  SELECT (ARRAY['Anna','Bo','Carl','Dora'])[i % 4 + 1] || ' ' || chr(65 + i % 26) || chr(97 + i % 17) || chr(97 + i % 23) || 'er', '138' || lpad(i::text, 8, '0'), 'c' || i || '@example.com',
  date '1950-01-01' + i * 11, i || ' Main Street', lpad((i * 7)::text, 5, '0'), 'Gansu', 'a' || i || '@icloud.example',
  CASE WHEN i % 20 = 0 THEN 'please call +86 138 0000 1234 in the morning' ELSE 'nothing to say about it' END FROM generate_series(1, 2000) i;
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint REFERENCES customers, item text, amount numeric, ordered_at timestamptz);
INSERT INTO orders (customer_id, item, amount, ordered_at) SELECT i, 'Red Chair', 12.5, now() FROM generate_series(1, 1500) i;
CREATE TABLE profiles (customer_id bigint PRIMARY KEY REFERENCES customers, motto text);
CREATE TABLE badges (id serial PRIMARY KEY, profile bigint REFERENCES profiles, what text);
CREATE TABLE visits (id serial PRIMARY KEY, customer_id bigint, ip inet, at timestamptz);
CREATE TABLE tickets (id serial PRIMARY KEY, customer_id bigint REFERENCES customers, assigned_to text, created_by text, subject text, status text, created_at timestamptz, closed_at timestamptz);
INSERT INTO tickets (customer_id, assigned_to, created_by, status, created_at) SELECT i, (ARRAY['anna','bo'])[i % 2 + 1], 'bo', 'open', now() FROM generate_series(1, 100) i;
CREATE TABLE products (id serial PRIMARY KEY, name text, description text, price numeric);
INSERT INTO products (name, description) SELECT 'Red Chair', 'a chair' FROM generate_series(1, 50);
CREATE TABLE newsletter (id serial PRIMARY KEY, contact text);
INSERT INTO newsletter (contact) SELECT 'n' || i || '@example.com' FROM generate_series(1, 100) i;
CREATE VIEW card AS SELECT id, full_name FROM customers;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO anna, gatehouse_control;
"""

INSURANCE = """
CREATE SCHEMA bestand;
CREATE TABLE bestand.mitarbeiter (personalnr int PRIMARY KEY, vorname text, nachname text, kuerzel text);
CREATE TABLE bestand.versicherungsnehmer (vn_nr varchar(12) PRIMARY KEY, anrede text, vorname text, nachname text, geburtsdatum date, strasse text, plz char(5), ort text, telefon text, handy text,
  "E-Mail" text, iban text, "steuer_ID" text, geschlecht char(1), bemerkung text);
INSERT INTO bestand.versicherungsnehmer (vn_nr, vorname, nachname, geburtsdatum, plz, ort, telefon, handy, "E-Mail", iban, "steuer_ID", geschlecht)
  SELECT 'VN' || i, 'Jürgen', 'Müller', date '1940-01-01' + i * 40, lpad(i::text, 5, '1'), 'Köln', '0221/' || 4000000 + i, '+49 171 ' || 1000000 + i, 'vn' || i || '@example.de',
  'DE89370400440532013000', '86095742719', 'm' FROM generate_series(1, 300) i;
CREATE TABLE bestand.vertraege (vertragsnr bigint PRIMARY KEY, vn_nr varchar(12) REFERENCES bestand.versicherungsnehmer, sparte text, beitrag numeric, beginn date);
CREATE TABLE bestand.schaeden (schadennr bigint PRIMARY KEY, vn_nr varchar(12) REFERENCES bestand.versicherungsnehmer, sachbearbeiter int REFERENCES bestand.mitarbeiter, gemeldet_am timestamp,
  erledigt_am timestamp, hergang text);
CREATE TABLE bestand.briefe (id serial PRIMARY KEY, vn_nr varchar(12), text text);
"""

PHONE_MAKER = """
CREATE TABLE t_kehu (kehu_id bigint PRIMARY KEY, xingming varchar(50), shouji varchar(20), sfzh varchar(18), dizhi text, lx text, beizhu text, qd varchar(20));
COMMENT ON COLUMN t_kehu.lx IS '联系电话';
INSERT INTO t_kehu SELECT i, substr('王李张刘陈杨赵黄周吴', i % 10 + 1, 1) || substr('伟芳娜敏静丽强磊军洋', i / 10 % 10 + 1, 1) || substr('明华文', i / 100 % 3 + 1, 1), '138' || lpad(i::text, 8, '0'),
  '11010519491231002X', '杭州市', '139' || lpad(i::text, 8, '0'), NULL, 'x' FROM generate_series(1, 300) i;
CREATE TABLE t_shebei (imei char(15) PRIMARY KEY, kehu_id bigint, xinghao text, jihuo_sj timestamp);
INSERT INTO t_shebei SELECT '356938035643809', i, 'M1', now() FROM generate_series(1, 1) i;
CREATE TABLE t_gongdan (gd_id bigint PRIMARY KEY, kehu_id bigint, chuliren varchar(30), zhuangtai int, chuangjianshijian timestamp, guanbishijian timestamp);
INSERT INTO t_gongdan SELECT i, i, 'nobody' || i % 3, 1, now(), NULL FROM generate_series(1, 30) i;
CREATE TABLE "员工" ("编号" int PRIMARY KEY, "姓名" text, "手机" text);
"""

NOBODY = """
CREATE TABLE readings (id bigserial PRIMARY KEY, sensor int, at timestamptz, value double precision);
CREATE TABLE sensors (id serial PRIMARY KEY, name text, model text);
INSERT INTO sensors (name, model) SELECT 'Sensor ' || i, 'M' || i FROM generate_series(1, 100) i;
"""

ODD = '''
CREATE SCHEMA "My Shop";
CREATE TABLE "My Shop"."Customer ""Master""" ("Customer Id" int PRIMARY KEY, "First Name" text, "E-Mail" text, "Phone#" text, "as" text, "where" text, "key" text, "it's }" text, "new
line" text);
INSERT INTO "My Shop"."Customer ""Master""" SELECT i, 'Anna', 'o' || i || '@example.com', '+49 30 ' || 1000000 + i, 'x', 'y', 'z', 'q', 'n' FROM generate_series(1, 100) i;
CREATE TABLE "My Shop"."Order; DROP" ("Order No" int PRIMARY KEY, "Customer Id" int REFERENCES "My Shop"."Customer ""Master""", "café" text);
CREATE TYPE "My Shop".card AS ENUM ('none', 'gold');
CREATE FUNCTION "My Shop".leak("My Shop".card) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a cast was run'; END $$;
CREATE CAST ("My Shop".card AS text) WITH FUNCTION "My Shop".leak("My Shop".card);
CREATE TABLE "My Shop".parts (id int, mail text) PARTITION BY RANGE (id);
CREATE TABLE "My Shop".part_1 PARTITION OF "My Shop".parts FOR VALUES FROM (1) TO (1000);
INSERT INTO "My Shop".parts SELECT i, 'p' || i || '@example.com' FROM generate_series(1, 100) i;
ALTER TABLE "My Shop"."Customer ""Master""" ADD rank "My Shop".card DEFAULT 'gold';
CREATE TABLE "My Shop"."# {" (id int PRIMARY KEY, "Customer Id" int);
'''

BIG = """
CREATE TABLE members (id bigint PRIMARY KEY, name text, mail text, filler text) WITH (autovacuum_enabled = off);
INSERT INTO members SELECT i, 'Anna Berg', 'm' || i || '@example.com', repeat('x', 60) FROM generate_series(1, 1000000) i;
"""


def wide():
    """As a large shop system has it: customers, their addresses, three hundred tables around them, and stamps of the staff on each."""
    sql = ['CREATE TABLE res_users (id serial PRIMARY KEY, login text, password text);',
           'CREATE TABLE res_partner (id serial PRIMARY KEY, name text, email text, phone text, mobile text, street text, zip text, city text, parent_id int REFERENCES res_partner, '
           'create_uid int REFERENCES res_users, write_uid int REFERENCES res_users, create_date timestamp);',
           'ALTER TABLE res_users ADD partner_id int REFERENCES res_partner;',
           "INSERT INTO res_partner (name, email, phone, street) SELECT 'Anna Berg' || chr(97 + i % 26), 'p' || i || '@example.com', '+33 1 ' || 40000000 + i, i || ' rue' FROM generate_series(1, 200) i;",
           'CREATE TABLE sale_order (id serial PRIMARY KEY, name text, partner_id int REFERENCES res_partner, partner_invoice_id int REFERENCES res_partner, user_id int REFERENCES res_users, '
           'create_uid int REFERENCES res_users, amount_total numeric, note text);',
           'CREATE TABLE helpdesk_ticket (id serial PRIMARY KEY, name text, partner_id int REFERENCES res_partner, user_id int REFERENCES res_users, create_date timestamp, closed_date timestamp);']
    for i in range(300):
        sql.append('CREATE TABLE module_%03d (id serial PRIMARY KEY, name text, code text, active bool, sequence int, create_uid int REFERENCES res_users, write_uid int REFERENCES res_users%s);'
                   % (i, ', partner_id int REFERENCES res_partner' if i % 10 == 0 else ''))
        sql.append("INSERT INTO module_%03d (name, code) SELECT 'Thing ' || i, 'T' || i FROM generate_series(1, 20) i;" % i)
    return '\n'.join(sql)


class Made:
    """A database, and what init made of it."""

    def __init__(self, env, name, sql, *more, status=0, check=True, run=True, control='gatehouse_control', setup=None):
        self.env, self.name, self.cluster = env, name, env.cluster
        self.database = 'init_' + name
        self.cluster.psql('CREATE DATABASE ' + self.database, database='postgres')
        path = os.path.join(env.folder, self.database + '.sql')
        with open(path, 'w') as f:
            f.write(sql)
        self.cluster.psql('', database=self.database, file=path)
        self.folder = os.path.join(env.folder, 'init-' + name)
        self.conninfo = 'host=%s port=%d dbname=%s ' % (self.cluster.sockdir, self.cluster.port, self.database)
        if setup:
            setup(self)
        if run:
            self.init('--control', control, *more, status=status)
        if check and run and status == 0:
            self.check()

    def init(self, *more, user=SUPER, status=0):
        begin = time.monotonic()
        done = self.env.run([self.env.binary, 'init', self.folder, '--yes', '--database', self.conninfo + user, *more], check=False)
        self.took = time.monotonic() - begin
        equal(done.returncode, status, done.stderr)
        self.out, self.err = done.stdout, done.stderr
        if status < 2:
            with open(os.path.join(self.folder, self.database + '.gate')) as f:
                self.policy = f.read()
            with open(os.path.join(self.folder, 'control.pass'), 'w') as f:
                f.write('*:*:*:gatehouse_control:%s\n' % PASSWORDS['gatehouse_control'])
            os.chmod(f.name, 0o600)
        return self

    def read(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read()

    def check(self, *words, status=0):
        """gatehouse policy check: alone, and with the database."""
        conf = os.path.join(self.folder, 'gatehouse.conf')
        for more in (['--offline'], []):
            done = self.env.run([self.env.binary, 'policy', 'check', *words, '-c', conf, *more, '--json'], check=False)
            report = json.loads(done.stdout)
            equal((done.returncode, report['errors'], report['live']), (status, 0, not more), done.stdout)
        return report

    def check_group(self):
        """The example group without its '#' is a policy without errors, too."""
        lines, inside = [], False
        for line in self.policy.split('\n'):
            inside = inside or line == '  # group staff {'
            lines.append(line.replace('  # ', '  ', 1) if inside else line)
            inside = inside and line != '  # }'
        path = os.path.join(self.folder, 'group.gate')
        with open(path, 'w') as f:
            f.write('\n'.join(lines))
        true('\n  group staff {\n' in '\n'.join(lines), 'the group')
        self.check(path)

    def has(self, *patterns):
        for p in patterns:
            true(re.search(p, self.policy, re.M), '%s: not in\n%s' % (p, self.policy))

    def has_not(self, *patterns):
        for p in patterns:
            true(not re.search(p, self.policy, re.M), '%s: in\n%s' % (p, self.policy))

    def silent(self, *values):
        """No sampled value stands in a file or was printed."""
        for value in values:
            for name in os.listdir(self.folder):
                true(value not in self.read(name), '%s in %s' % (value, name))
            true(value not in self.out, value)


@test(gate=True, timeout=120)
def shop(env):
    """A shop in English; the files serve: a gate records whom a look-up showed."""
    m = Made(env, 'shop', SHOP)
    m.has(r'^  subject customer \{$', r'^    table    public.customers$', r'^    key      id ', r'^    phone    phone  country 86  # telephone number by its name, and 100 % of 1000 sampled values look like telephone numbers',
          r'^    email    email ', r'^    email    apple_id  # e-mail address: 100 % of 1000', r'^ +(linked )? *public.badges.profile,?$', r'public.orders.customer_id,$', r'public.profiles.customer_id,$',
          r'public.tickets.customer_id$', r'^    # linked public.visits.customer_id$', r'^    # harmless since, newsletter, points$', r'^  case from table public.tickets \{$', r'^    person   assigned_to$',
          r'^    open where "closed_at" is null$', r'newsletter.contact  e-mail', r'mask   birthday as year', r'hide   address', r'hide   note  # free text by its name, and 5 %', r'hide   photo',
          r'mask   full_name as first 1  # name by its name, and \d+ % of 1000', r'budget 40 customers per hour', r'^  treat observe$')
    m.has_not('products', r'mask   item', r'linked .*card')
    equal(m.check()['warnings'], 0)
    m.check_group()
    m.silent('13800000', '@example.com', 'Gansu', 'Main Street', 'Red Chair', clusters.SUPERPASS)
    people = m.read('people.csv').split('\n')
    true(people[0].startswith('role,name,') and 'anna,,,,,,,' in people and not any(p.startswith(('postgres', 'gatehouse_control')) for p in people), people)
    for word in ('1 view', 'tickets: public.tickets', '1. read ', 'init --keys', 'policy check', 'gatehouse doctor', 'gatehouse run', '5. psql -h 127.0.0.1 -p 6432'):
        true(word in m.out + m.policy, word)
    # Never over a file that is there.
    before = {n: m.read(n) for n in os.listdir(m.folder)}
    m.init(status=2)
    true('gatehouse.conf is there already; nothing was written' in m.err, m.err)
    os.unlink(os.path.join(m.folder, 'gatehouse.conf'))
    os.unlink(os.path.join(m.folder, 'people.csv'))
    m.init(status=2)
    true('init_shop.gate is there already' in m.err, m.err)
    equal(m.read('init_shop.gate'), before['init_shop.gate'])
    true(not os.path.exists(os.path.join(m.folder, 'gatehouse.conf')), 'nothing was written')


@test(gate=True, timeout=120)
def serves(env):
    """A gate started with the files as they were written: psql gets its row, the ledger has the customer."""
    port = ports.free_port()

    def auth(m):
        m.cluster.psql('', database=m.database, file=os.path.join(ETC, 'gatehouse-auth.sql'))
    m = Made(env, 'serves', SHOP, '--listen', '127.0.0.1:%d' % port, '--origin', 'gatehouse.example/init', setup=auth)
    true('gatehouse-auth.sql' not in m.out, 'it is there')
    binary, conf = os.path.join(m.folder, 'gatehouse'), os.path.join(m.folder, 'gatehouse.conf')
    with open(env.binary, 'rb') as f, open(binary, 'wb') as to:
        to.write(f.read())
    os.chmod(binary, 0o755)
    owner.give(m.folder)
    as_owner = owner.popen_as()
    subprocess.run([binary, 'init', '--keys', '-c', conf], check=True, stdout=subprocess.DEVNULL, **as_owner)
    log = os.path.join(m.folder, 'log')
    with open(log, 'wb') as to:
        process = subprocess.Popen([binary, 'run', '-c', conf], stdout=to, stderr=to, stdin=subprocess.DEVNULL, **as_owner)
    try:
        until(lambda: b'gate is ready' in open(log, 'rb').read() or process.poll() is not None, 30, 'the gate')
        done = env.run([os.path.join(clusters.bindir(), 'psql'), '-X', '-A', '-t', '-c', 'SELECT id, phone FROM customers WHERE id = 42',
                        'host=127.0.0.1 port=%d dbname=%s user=anna password=%s' % (port, m.database, PASSWORDS['anna'])])
        equal(done.stdout, '42|13800000042\n')

        def seen():
            report = subprocess.run([binary, 'seen', '--subject', '42', '--json', '-c', conf], capture_output=True, text=True, **as_owner)
            return '"anna"' in report.stdout and report.stdout
        until(seen, 10, 'the ledger has the look-up')
        entries = subprocess.run([binary, 'ledger', 'print', '--kind', 'read', '--json', '-c', conf], capture_output=True, text=True, **as_owner).stdout
        true('"subjects":"unknown"' not in entries and 'public.customers' in entries, entries)
    finally:
        process.send_signal(signal.SIGTERM)
        equal(process.wait(40), 0, 'end of the gate')


@test(gate=True, timeout=120)
def insurance(env):
    """An insurer in German: names, shapes with check digits, tickets whose person is a number."""
    m = Made(env, 'insurance', INSURANCE)
    m.has(r'^  subject policyholder \{$', r'table    bestand.versicherungsnehmer', r'key      vn_nr', r'phone    telefon  country 49|phone    telefon ', r'phone    handy  country 49', r'email    "E-Mail"',
          r'linked   bestand.schaeden.vn_nr,$', r'bestand.vertraege.vn_nr$', r'^    # linked bestand.briefe.vn_nr', r'mask   iban as last 4  # bank account by its name, and 100 %', r'hide   "steuer_ID"  # tax number by its name, and 100 %',
          r'hide   geschlecht', r'mask   plz as first 2', r'mask   geburtsdatum as year', r'^#   case from table bestand.schaeden|^#? +# uncertain: `person` must hold names of login roles, and this column holds numbers',
          r'^#   case from table bestand.schaeden \{', r'^#     opened   gemeldet_am')
    m.has_not(r'^  case from')
    m.check_group()
    m.silent('Jürgen', 'DE8937', '86095742719', '0221/')


@test(gate=True, timeout=120)
def phone_maker(env):
    """Pinyin, characters, comments; no foreign key anywhere."""
    m = Made(env, 'phone_maker', PHONE_MAKER)
    m.has(r'^  subject customer \{$', r'table    public.t_kehu', r'key      kehu_id', r'phone    shouji  country 86', r'phone    lx  country 86  # telephone number by its comment, and 100 %', r'^    # linked public.t_gongdan.kehu_id',
          r'^    # linked public.t_shebei.kehu_id', r'mask   xingming as first 1  # name by its name, and 100 % of 300', r'hide   sfzh  # identity number by its name, and 100 % of 300', r'hide   dizhi',
          r'# uncertain: `subject` by its name alone', r'# uncertain: none of the sampled values of `person`', r'^#   case from table public.t_gongdan')
    m.check_group()
    m.silent('1380000', '11010519491231002X', '杭州')


@test(gate=True)
def nobody(env):
    """No table holds persons: it says so, and writes a subject to fill in."""
    m = Made(env, 'nobody', NOBODY, status=1)
    true('no table looks as if its rows were persons' in m.out, m.out)
    m.has('^  # No table looks as if', r'^  # subject customer \{')
    done = env.run([env.binary, 'policy', 'check', '-c', os.path.join(m.folder, 'gatehouse.conf'), '--offline'], check=False)
    true(done.returncode == 1 and 'declares no subject' in done.stdout, done.stdout)


@test(gate=True, timeout=120)
def wide_schema(env):
    """Three hundred tables, each with stamps of the staff: the partners are the subject, not the users whom every table names."""
    m = Made(env, 'wide', wide())
    m.has(r'table    public.res_partner', r'phone    phone  country 33', r'public.sale_order.partner_id', r'public.sale_order.partner_invoice_id', r'public.module_290.partner_id', r'^#   case from table public.helpdesk_ticket',
          r'^  #     hide   password')
    m.has_not(r'module_000 \{\n.*\n.*\n.*mask', r'(linked| {10,})\S*(create|write)_uid', r'module_001')
    true(m.took < 20, 'took %.1f s' % m.took)
    m.check_group()


@test(gate=True)
def odd_names(env):
    """Names that need quotes in SQL and in the policy, and one with a line end."""
    m = Made(env, 'odd', ODD)
    m.has(r'table    "My Shop"."Customer ""Master"""', r'key      "Customer Id"', r'phone    "Phone#"  country 49', r'email    "E-Mail"', r'linked   "My Shop"."Order; DROP"."Customer Id"',
          r'^    # linked "My Shop"."# \{"."Customer Id"', r'show .*"it\'s }"', r'parts.mail  e-mail address by its name, and 100 % of 100')
    true('not sampled: My Shop.Customer' not in m.out and 'a cast' not in m.out and 'part_1' not in m.out, m.out)
    m.check_group()


@test(gate=True, timeout=180)
def big_table(env):
    """A million rows, never analysed: a sample of the whole table, in bounded time; --no-sample reads nothing."""
    m = Made(env, 'big', BIG)
    true(m.took < 10, 'took %.1f s' % m.took)
    m.has('table    public.members', r'e-mail address by its name, and 100 % of (9\d\d|1000) sampled')
    os.rename(m.folder, m.folder + '.sampled')
    m.init('--no-sample', '--control', 'gatehouse_control')
    m.has(r'email    mail  # e-mail address by its name, nothing sampled')
    true('Sampling' not in m.out, m.out)
    m.check()


@test(gate=True)
def rights(env):
    """A role that may not read everything: names what it could not sample, and proposes by names. Two writers hold locks: nobody waits for them."""
    m = Made(env, 'rights', SHOP + 'REVOKE ALL ON customers, newsletter FROM anna;', run=False)
    lock = subprocess.Popen([os.path.join(clusters.bindir(), 'psql'), '-X', '-q', m.conninfo + SUPER, '-c', 'BEGIN; LOCK TABLE orders; SELECT pg_sleep(30)'], stdout=subprocess.DEVNULL)
    try:
        until(lambda: m.cluster.psql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'orders'::regclass", database=m.database) == '1', 10, 'the lock')
        m.init('--control', 'gatehouse_control', user='user=anna password=' + PASSWORDS['anna'])
    finally:
        lock.kill()
        lock.wait()
    true('not sampled: public.customers: no right to SELECT' in m.out and 'not sampled: public.newsletter: no right' in m.out and 'not sampled: public.orders: ' in m.out, m.out)
    m.has(r'#   public.customers: no right to SELECT', r'#   public.orders: .*lock', 'table    public.customers', r'phone    phone  # telephone number by its name, nothing sampled')
    m.check()


@test(gate=True)
def questions(env):
    """At a terminal: four questions, defaults shown, a wrong answer asked again, the password not echoed; without one it says which options answer."""
    m = Made(env, 'questions', SHOP, run=False)
    done = env.run([env.binary, 'init', m.folder], input='', check=False)
    true(done.returncode == 2 and '--yes takes the defaults' in done.stderr, done.stderr)
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.pop('PGPASSWORD', None)
        os.environ.update(PGHOST=m.cluster.sockdir, PGPORT=str(m.cluster.port), PGUSER='postgres', PGDATABASE='init_questions', PGPASSFILE='/nowhere')
        os.execv(env.binary, [env.binary, 'init', m.folder])
    text = ''

    def wait(word):
        nonlocal text
        end = time.monotonic() + 20
        while word not in text:
            true(time.monotonic() < end, '%s: not in %s' % (word, text))
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    text += os.read(fd, 4096).decode()
                except OSError:
                    break
        true(word in text, '%s: not in %s' % (word, text))

    def say(line):
        os.write(fd, line.encode() + b'\n')
    wait('dbname=init_questions user=postgres] ')
    say('')
    wait('Password: ')
    say(clusters.SUPERPASS)
    wait('[gatehouse_control] ')
    say('same')
    wait('[127.0.0.1:6432] ')
    say('nonsense')
    wait('gatehouse: ')
    text = text[text.index('gatehouse: '):]
    wait('[127.0.0.1:6432] ')
    say(os.path.join(m.folder, '.s.PGSQL.7001'))
    wait('/gatehouse/init_questions] ')
    say('')
    wait('5. psql')
    os.close(fd)
    os.waitpid(pid, 0)
    conf = m.read('gatehouse.conf')
    true("user='postgres'" in conf and 'listen_socket = "' in conf and clusters.SUPERPASS not in text + conf, conf)


@test(gate=True)
def secrets(env):
    """A password in the control connection: said, and only for the owner's eyes."""
    m = Made(env, 'secrets', SHOP, control='same')
    conf = os.path.join(m.folder, 'gatehouse.conf')
    equal(stat.S_IMODE(os.stat(conf).st_mode), 0o600)
    true('holds a password' in m.out and clusters.SUPERPASS in m.read('gatehouse.conf') and clusters.SUPERPASS not in m.out, m.out)
