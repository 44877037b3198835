"""Whose record was it: what the ledger says after a session, field by field, with marks recomputed here from the fixture's values.
Each case is one session of its own, found in the ledger by its application name."""
import asyncio
import datetime
import hashlib
import json
import os
import struct

from lib import pgwire
from lib.env import PASSWORDS, Skip, equal, test, true, until
from lib.marks import Marker

KEY, PHONE, EMAIL, ACCOUNT = 'customer.key', 'customer.phone', 'customer.email', 'customer.account'
CUSTOMERS = {'public.customers'}
INT4, INT8, TEXT, VARCHAR, UUID = 23, 20, 25, 1043, 2950


def phones(ids):
    return {'86138%08d' % i for i in ids} | {'86139%08d' % i for i in ids if i % 3}


def emails(ids):
    return {'user%d@example.com' % i for i in ids if i % 7}


def everything(ids):
    ids = list(ids)
    return {KEY: ids, PHONE: phones(ids), EMAIL: emails(ids), ACCOUNT: {'acc-%d' % i for i in ids}}


def int8(n):
    return struct.pack('>q', n)


class Case:
    """run: what the session sends (bytes for the raw client, or a function of it). What must be in the ledger of the kind given:
    rows in all, marks (None: unknown subjects), tables, via. loose: marks as given or unknown subjects, either is right."""

    def __init__(self, name, run, rows, marks, kind='read', via=None, tables=CUSTOMERS, loose=False, fails=False, columns=None):
        self.name, self.run, self.rows, self.marks, self.kind, self.via = name, run, rows, marks, kind, via
        self.tables, self.loose, self.fails, self.columns = tables, loose, fails, columns
        self.application = 'rec-' + name


Q, X = pgwire.query, pgwire.extended


def portal_in_slices(c):
    c.ask(pgwire.query('begin'))
    c.send(pgwire.parse('select id from customers where id <= 7 order by id') + pgwire.bind(portal='p') + pgwire.describe('P', 'p') +
           b''.join(pgwire.execute('p', 2) for _ in range(3)) + pgwire.SYNC)
    got = c.read_until()
    equal(pgwire.kinds(got), b'12TDDsDDsDDsZ')
    equal(pgwire.kinds(c.ask(pgwire.execute('p', 0) + pgwire.SYNC)), b'DCZ')
    c.ask(pgwire.query('commit'))


def pipelined(c):
    c.send(b''.join(pgwire.parse('select full_name from customers where id = $1', types=[INT8]) + pgwire.bind([int8(i)], pformats=[1]) +
                    pgwire.execute() for i in range(11, 16)) + pgwire.SYNC)
    equal(pgwire.kinds(c.read_until()), b'12DC' * 5 + b'Z')


def named_statement(c):
    c.ask(pgwire.parse('select full_name from customers where id = $1', 'look', [INT8]) + pgwire.describe('S', 'look') + pgwire.SYNC)
    for i in (21, 22, 23):
        c.ask(pgwire.bind([int8(i)], name='look', pformats=[1], rformats=[1]) + pgwire.execute() + pgwire.SYNC)


def cursor(c):
    c.ask(Q('begin; declare c cursor for select id, phone from customers where id <= 12 order by id'))
    for n in (5, 5, 5):
        c.ask(Q('fetch %d from c' % n))
    c.ask(Q('commit'))


def cursor_by_request(c):
    c.ask(Q('begin'))
    c.ask(Q('declare c cursor for select full_name from customers where id = 9'))
    c.ask(Q('fetch all from c'))
    c.ask(Q('commit'))


def sql_prepare(c):
    c.ask(Q('prepare p(bigint) as select full_name from customers where id = $1'))
    c.ask(Q('execute p(33)'))


def failed_then_seen(c):
    """A failed pipeline skips to Sync: what was skipped was not answered and must not be recorded."""
    c.send(X('select 1/0') [:-5] + pgwire.parse('select id from customers where id = 71') + pgwire.bind() + pgwire.execute() + pgwire.SYNC +
           X('select id from customers where id = 72'))
    c.read_until(count=2)


ids3 = [1, 2, 3]
CASES = [
    Case('key-text', Q('select id, full_name from customers where id between 1 and 10'), 10, {KEY: range(1, 11)}, via='answer',
         columns={'public.customers.id', 'public.customers.full_name'}),
    Case('key-binary', X('select id, full_name from customers where id between 1 and 10', rformats=[1]), 10, {KEY: range(1, 11)}, via='answer'),
    Case('key-mixed-formats', X('select full_name, id, phone from customers where id <= 3', rformats=[0, 1, 0]), 3, {KEY: ids3, PHONE: {'86138%08d' % i for i in ids3}}),
    Case('all-columns', Q('select * from customers where id <= 30'), 30, everything(range(1, 31)), via='answer'),
    Case('all-columns-binary', X('select * from customers where id <= 30', rformats=[1]), 30, everything(range(1, 31))),
    Case('foreign-key', Q('select id, customer_id from orders where id <= 20'), 20, {KEY: range(2, 22)}, tables={'public.orders'}, via='answer'),
    Case('foreign-key-binary', X('select customer_id, amount from orders where id <= 20', rformats=[1]), 20, {KEY: range(2, 22)}, tables={'public.orders'}),
    Case('foreign-key-equality', Q('select amount from orders where customer_id = 17'), 2, {KEY: [17]}, tables={'public.orders'}, via='request'),
    Case('identifier-only', Q('select phone from customers where id in (3, 5)'), 2, {PHONE: ['8613800000003', '8613800000005']}),
    Case('identifier-null', Q('select email from customers where id between 6 and 8'), 3, {EMAIL: emails([6, 8])}),
    Case('identifier-country', Q('select mobile from customers where id between 1 and 3'), 3, {PHONE: ['8613900000001', '8613900000002']}),
    Case('join', Q('select c.id, o.customer_id, o.amount from customers c join orders o on o.customer_id = c.id where c.id <= 3'), 6, {KEY: ids3},
         tables={'public.customers', 'public.orders'}),
    Case('view', Q('select id, tel from v_customer where id <= 5'), 5, {KEY: range(1, 6), PHONE: ['86138%08d' % i for i in range(1, 6)]}, tables={'public.v_customer'}),
    Case('view-nested', X('select number, tel from v_nested where number <= 5', rformats=[1]), 2, {KEY: [2, 5], PHONE: ['8613800000002', '8613800000005']},
         tables={'public.v_nested'}),
    Case('view-equality', Q('select full_name from v_customer where id = 6'), 1, {KEY: [6]}, tables={'public.v_customer'}, via='request'),
    Case('view-without-key', Q('select full_name, province from v_nokey limit 4'), 4, None, tables={'public.v_nokey'}),
    Case('view-join', Q('select customer, amount from v_customer_order where customer <= 3'), 6, {KEY: ids3}, tables={'public.v_customer_order'}, loose=True),
    Case('matview', Q('select id, phone from mv_customer where id <= 3'), 3, {KEY: ids3, PHONE: {'86138%08d' % i for i in ids3}}, tables={'public.mv_customer'}, loose=True),
    Case('partition-parent', Q('select customer_id from visits where id <= 5'), 5, {KEY: range(2, 7)}, tables={'public.visits'}),
    Case('partition-child', Q("select customer_id from visits_2025 where id between 400 and 404"), 5, {KEY: range(401, 406)}, tables={'public.visits_2025'}),
    Case('equality-literal', Q('select full_name from customers where id = 42'), 1, {KEY: [42]}, via='request'),
    Case('equality-reversed', Q('select full_name from public.customers c where 43 = c.id and c.province is not null'), 1, {KEY: [43]}, via='request'),
    Case('equality-string', Q("select full_name from customers where id = '44'"), 1, {KEY: [44]}, via='request'),
    Case('equality-cast', Q("select full_name from customers where id = 45::bigint"), 1, {KEY: [45]}, via='request'),
    Case('equality-identifier', Q("select full_name from customers where phone = '13800000046'"), 1, {PHONE: ['8613800000046']}, via='request'),
    Case('equality-email', Q("select full_name from customers where email = 'User47@Example.com'"), 1, {EMAIL: ['user47@example.com']}, via='request'),
    Case('equality-parameter-text', X('select full_name from customers where id = $1', [b'48']), 1, {KEY: [48]}, via='request'),
    Case('equality-parameter-binary', X('select full_name from customers where id = $1', [int8(49)], pformats=[1]), 1, {KEY: [49]}, via='request'),
    Case('equality-parameter-int4', X('select full_name from customers where id = $1', [struct.pack('>i', 50)], types=[INT4], pformats=[1]), 1, {KEY: [50]}, via='request'),
    Case('equality-parameter-varchar', X('select full_name from customers where phone = $1', [b'13800000051'], types=[VARCHAR], pformats=[1]), 1, {PHONE: ['8613800000051']}, via='request'),
    Case('equality-second-parameter', X('select full_name from customers where province <> $1 and id = $2', [b'Nowhere', b'52']), 1, {KEY: [52]}, via='request'),
    Case('whole-row', Q('select c from customers c where id = 53'), 1, {KEY: [53]}, via='request'),
    Case('miss', Q('select * from customers where id = 999999'), 0, {KEY: [999999]}),
    Case('miss-parameter', X('select full_name from customers where phone = $1', [b'10000000000']), 0, {PHONE: ['8610000000000']}),
    Case('miss-without-equality', Q("select id from customers where full_name like 'Nobody%'"), 0, None, loose=True),
    Case('cursor', cursor, 12, {KEY: range(1, 13), PHONE: ['86138%08d' % i for i in range(1, 13)]}),
    Case('cursor-by-request', cursor_by_request, 1, {KEY: [9]}, loose=True),
    Case('portal-in-slices', portal_in_slices, 7, {KEY: range(1, 8)}),
    Case('pipeline', pipelined, 5, {KEY: range(11, 16)}, via='request'),
    Case('pipeline-failed', failed_then_seen, 1, {KEY: [72]}, fails=True),
    Case('named-statement', named_statement, 3, {KEY: [21, 22, 23]}, via='request'),
    Case('sql-prepare', sql_prepare, 1, {KEY: [33]}, loose=True),
    Case('copy-text', Q('copy customers to stdout'), 2000, everything(range(1, 2001))),
    Case('copy-csv', Q('copy customers to stdout with (format csv)'), 2000, everything(range(1, 2001))),
    Case('copy-csv-header', Q("copy customers to stdout csv header delimiter ';' quote ''''"), 2000, everything(range(1, 2001))),
    Case('copy-binary', Q('copy public.customers to stdout with (format binary)'), 2000, everything(range(1, 2001))),
    Case('copy-columns', Q('copy customers (full_name, phone) to stdout'), 2000, {PHONE: {'86138%08d' % i for i in range(1, 2001)}}),
    Case('copy-linked', Q('copy orders (amount, customer_id) to stdout (format binary)'), 4000, {KEY: range(1, 2001)}, tables={'public.orders'}),
    Case('copy-extended', X('copy customers to stdout'), 2000, everything(range(1, 2001))),
    Case('copy-query', Q('copy (select full_name from customers where id <= 9) to stdout'), 9, None, loose=True),
    Case('count', Q('select count(*) from customers'), 1, None),
    Case('expression', Q('select upper(full_name) from customers where id < 4'), 3, None),
    Case('union', Q('select full_name from customers where id = 1 union all select full_name from customers where id = 2'), 2, None, loose=True),
    Case('cte', Q('with x as (select id from customers where id < 4) select id from x'), 3, {KEY: ids3}),
    Case('subselect', Q('select id from (select id, phone from customers where id < 4 offset 0) x'), 3, {KEY: ids3}),
    Case('function', Q('select customer_name(5)'), 1, None, tables=None),
    Case('several-statements', Q('select 1; select id from customers where id = 61; select id from products where id = 1; select id from customers where id = 62'), 2, {KEY: [61, 62]}),
    Case('error-in-the-middle', Q('select id, 10 / (id - 5) from customers where id < 10 order by id'), 4, {KEY: range(1, 5)}, fails=True),
    Case('lock', Q('select id from customers where id = 63 for share'), 1, {KEY: [63]}),
    Case('uuid-text', Q("select id from contacts where email in ('c5@partner.example', 'c6@partner.example')"), 2,
         {'contact.key': ['00000000-0000-4000-8000-%012d' % i for i in (5, 6)]}, tables={'public.contacts'}),
    Case('uuid-binary', X("select id from contacts where email in ('c7@partner.example', 'c8@partner.example')", rformats=[1]), 2,
         {'contact.key': ['00000000-0000-4000-8000-%012d' % i for i in (7, 8)]}, tables={'public.contacts'}),
    Case('uuid-parameter', X('select company from contacts where id = $1', [bytes.fromhex('00000000000040008000000000000009')], types=[UUID], pformats=[1]), 1,
         {'contact.key': ['00000000-0000-4000-8000-000000000009']}, tables={'public.contacts'}, via='request'),
    Case('update-by-key', Q("update customers set note = 'seen' where id = 77"), 1, {KEY: [77]}, kind='write', via='request'),
    Case('update-returning', Q("update customers set note = 'x' where id between 78 and 79 returning id"), 2, {KEY: [78, 79]}, kind='write'),
    Case('delete-linked', X('delete from tickets where customer_id = $1', [b'99']), 3, {KEY: [99]}, kind='write', via='request', tables={'public.tickets'}),
    Case('insert', Q("insert into tickets values (90001, 5, 'new')"), 1, None, kind='write', loose=True, tables={'public.tickets'}),
]
SILENT = ['select 1', 'select * from products limit 10', "insert into scratch values (1, 'x', 'y')", 'select relname from pg_class limit 5', 'show timezone',
          'begin', 'select count(*) from scratch', 'commit', 'create temp table customers_of_mine (id int)', 'select * from customers_of_mine', 'listen x',
          'copy products to stdout', "select 'select * from customers'", '-- customers\nselect 2', '']


def session(target, case, user='anna'):
    with pgwire.Conn.open(target, user, params=[('application_name', case.application)]) as c:
        if callable(case.run):
            case.run(c)
        else:
            got = c.ask(case.run)
            if not case.fails:
                equal(pgwire.errors(got), [], case.name)


def check(marker, case, entries):
    found = [e for e in entries if e['kind'] in ('read', 'write')]
    true(found, 'nothing recorded')
    if case.kind == 'write':
        true(any(e['kind'] == 'write' for e in found), 'kinds %s, wanted write' % [e['kind'] for e in found])
        found = [e for e in found if e['kind'] == 'write']
    else:
        equal({e['kind'] for e in found}, {'read'}, 'kinds')
    if not (case.kind == 'write' and case.loose):
        equal(sum(e['rows'] for e in found), case.rows, 'rows')
    tables = {t for e in found for t in e.get('tables', [])}
    if case.tables is not None:
        true(case.tables <= tables or tables & CUSTOMERS, 'tables %s, wanted %s' % (tables, case.tables))
    if case.columns:
        true(case.columns <= {c for e in found for c in e.get('columns', [])}, 'columns %s' % [e.get('columns') for e in found])
    if case.marks is None:
        if not case.loose:
            equal({e.get('subjects') for e in found}, {'unknown'}, 'subjects')
            true(all(e.get('why') for e in found), 'unknown subjects without a reason')
        return
    if case.loose and all(e.get('subjects') == 'unknown' for e in found):
        return
    if case.rows or case.via:
        equal({e.get('subjects') for e in found}, {'known'}, 'subjects')
    if case.via:
        equal({e.get('via') for e in found}, {case.via}, 'via')
    for kind, values in case.marks.items():
        marker.expect([e for e in found if e.get('marks')], kind, values)


@test()
def rows_are_as_the_cases_say(env):
    """The expectations themselves, against whatever answers: as many rows come as the case says are recorded."""
    with pgwire.Conn.open(env.target, 'anna') as c:
        for case in CASES:
            if callable(case.run) or case.kind != 'read' or case.name in ('several-statements',):
                continue
            got = c.ask(case.run)
            rows = pgwire.kinds(got).count(b'D')
            if b'copy ' in case.run:
                data = [body for kind, body in got if kind == b'd']
                rows = sum(d.count(b'\n') for d in data) - (b'header' in case.run) if b'binary' not in case.run else len(data) - 1
            equal(rows, case.rows, case.name)


@test(gate=True, timeout=90)
def shapes(env):
    target = env.recording
    ran = []
    for case in CASES:
        try:
            session(target, case)
            ran.append(case)
        except Exception as e:
            env.sub(case.name, False, 'the session failed: %s' % e)
    marker = Marker(os.path.join(target.gate.folder, 'mark.keys'))
    entries = target.gate.session_entries(*[c.application for c in ran])
    for case in ran:
        mine = entries[case.application]
        print(case.name)
        for e in mine:
            print('   ', json.dumps({k: (v if k != 'marks' else len(v)) for k, v in e.items()}, ensure_ascii=False)[:1500])
        try:
            check(marker, case, mine)
            env.sub(case.name, True)
        except Exception as e:
            env.sub(case.name, False, '%s: %s' % (type(e).__name__, e))


@test(gate=True)
def a_view_of_ones_own_is_on_record(env):
    """What is read through a temporary view is not traced; that somebody made one is recorded."""
    with pgwire.Conn.open(env.recording, 'bo', params=[('application_name', 'makes-a-view')]) as c:
        c.ask(Q('create temp view mine as select id, phone from customers'))
    entries = env.recording.gate.session_entries('makes-a-view')['makes-a-view']
    found = [e for e in entries if e['kind'] == 'read' and e.get('tables') == ['public.customers']]
    true(len(found) == 1 and found[0]['text'].startswith('create temp view mine'), entries)


@test(gate=True)
def nothing_for_untouched_tables(env):
    for extended in (False, True):
        name = 'silent-%d' % extended
        with pgwire.Conn.open(env.recording, 'bo', params=[('application_name', name)]) as c:
            for sql in SILENT:
                c.ask(X(sql) if extended else Q(sql))
        entries = env.recording.gate.session_entries(name)[name]
        equal([e['kind'] for e in entries], ['open', 'close'])


@test(gate=True)
def actor_and_session_fields(env):
    gate = env.recording.gate
    secret = 'select full_name from customers where id = 4242 or full_name = \'Secret Name\' -- 4242'
    for user, name, unix in (('bo', 'fields-tcp', False), ('chen', 'fields-unix', True)):
        with pgwire.Conn.open(env.recording, user, unix=unix, params=[('application_name', name)]) as c:
            c.ask(Q(secret))
    entries = gate.session_entries('fields-tcp', 'fields-unix')
    tcp, unix = entries['fields-tcp'], entries['fields-unix']
    for found in (tcp, unix):
        equal([e['kind'] for e in found], ['open', 'read', 'close'])
        equal(len({e['session'] for e in found}), 1)
    for e in tcp[:2]:
        equal((e['actor'], e['name'], e['employer'], e['province'], e['team'], e['groups']), ('bo', 'Bo, Li', 'Partner North', 'Jiangsu', 'Shop 7', ['partner']))
        true(e['address'].startswith('127.0.0.1'), e['address'])
    equal((unix[1]['employer'], unix[1]['name'], unix[0]['address']), ('Partner South', '陈静', 'local'))
    equal((tcp[0]['auth'], unix[0]['auth']), ('scram-sha-256-plus', 'scram-sha-256'))
    true(tcp[0]['tls'].startswith('TLSv1.'), tcp[0])
    read = tcp[1]
    equal(read['statement'], hashlib.sha256(secret.encode()).hexdigest())
    true('4242' not in read['text'] and 'Secret' not in read['text'] and 'customers' in read['text'], read['text'])
    with open(gate.policy, 'rb') as f:
        equal(read['policy'], hashlib.sha256(f.read()).hexdigest()[:16])
    with open(gate.people, 'rb') as f:
        equal(read['people'], hashlib.sha256(f.read()).hexdigest()[:16])
    true(len(read['session']) == 16 and read['seq'] >= 1 and read['part'] == 1 and read['last'] is True, read)
    when = datetime.datetime.fromisoformat(read['time'].replace('Z', '+00:00'))
    true(abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) < 60, read['time'])
    true(tcp[2].get('why'), 'close without a reason')


@test(gate=True)
def refused_log_ins(env):
    for user, password in (('anna', 'wrong'), ('nobody_here', 'x')):
        try:
            pgwire.Conn.open(env.recording, user, password=password, params=[('application_name', 'denied-' + user)]).close()
            true(False, 'logged in')
        except pgwire.ServerError as e:
            equal(e.code, '28P01')

    def found():
        denied = [e for e in env.recording.gate.entries(kind='deny') if e.get('application', '').startswith('denied-')]
        return denied if len(denied) > 1 else None
    denied = until(found, what='two deny entries')
    equal({e['actor'] for e in denied}, {'anna', 'nobody_here'})
    true(all(e.get('why') for e in denied), denied)


@test(gate=True)
def long_answer_in_parts(env):
    with pgwire.Conn.open(env.recording, 'anna', params=[('application_name', 'rec-parts')]) as c:
        rows = c.rows('select c.id, phone, email, account_id, repeat(full_name, 5) from customers c, generate_series(1, 20) i')
        equal(len(rows), 40000)
    found = [e for e in env.recording.gate.session_entries('rec-parts')['rec-parts'] if e['kind'] == 'read']
    true(len(found) > 1, 'one entry for 40,000 rows')
    equal([e['part'] for e in found], list(range(1, len(found) + 1)))
    equal([e.get('last', False) for e in found], [False] * (len(found) - 1) + [True])
    equal(sum(e['rows'] for e in found), 40000)
    Marker(os.path.join(env.recording.gate.folder, 'mark.keys')).expect(found, KEY, range(1, 2001))


@test(gate=True, timeout=180)
def drivers(env):
    """A look-up by each driver: every person it saw is in the ledger, and no other."""
    import test_dbdpg
    import test_jdbc
    import test_node
    import asyncpg
    import psycopg2
    target = env.recording
    want = {}
    here = os.path.dirname(os.path.abspath(__file__))

    def programs():
        yield 'record-perl', lambda: ['perl', os.path.join(here, 'perl', 'drive.pl')], {}, [601, 602, 603, 604, 611, 612, 613]
        yield 'record-jdbc', lambda: test_jdbc.command(env), {}, [*range(601, 609), *range(611, 616)]
        yield 'record-node', lambda: ['node', os.path.join(here, 'node', 'drive.js')], None, range(601, 606)
    for name, command, more, ids in programs():
        try:
            environ = target.environ('anna', E2E_CHECKS='record', **({'NODE_PATH': test_node.modules(env)} if more is None else more))
            done = env.run(command(), env=environ, timeout=100)
            equal(done.stdout.split(), ['ok', 'record'])
            want[name] = ids
        except Skip as e:
            env.sub(name, None, str(e))
        except Exception as e:
            env.sub(name, False, str(e))
    c = psycopg2.connect(target.dsn('anna', application_name='record-psycopg2'))
    with c.cursor() as cur:
        cur.execute('select full_name from customers where id = %s', (601,))
        cur.execute('select id from customers where id = any(%s)', ([602, 603],))
    with c.cursor('slice') as cur:
        cur.execute('select id from customers where id between 604 and 606')
        equal(len(cur.fetchall()), 3)
    c.close()
    want['record-psycopg2'] = range(601, 607)

    async def later():
        c = await asyncpg.connect(host='127.0.0.1', port=target.port, user='anna', password=PASSWORDS['anna'], database=target.database, ssl=target.tls(),
                                  server_settings={'application_name': 'record-asyncpg'})
        await c.fetch('select full_name from customers where id = $1', 601)
        s = await c.prepare('select id, phone from customers where id = any($1::bigint[])')
        await s.fetch([602, 603])
        async with c.transaction():
            async for _ in c.cursor('select id from customers where id between 604 and 606', prefetch=2):
                pass
        await c.close()
    asyncio.run(later())
    want['record-asyncpg'] = range(601, 607)
    env.run(['psql', '-X', '-c', 'select id from customers where id = 601', '-c', '\\copy (select id from customers where id = 602) to /dev/null'],
            env=target.pgenv('anna', PGAPPNAME='record-psql'))
    marker = Marker(os.path.join(target.gate.folder, 'mark.keys'))
    entries = target.gate.session_entries(*want, 'record-psql')
    for name, ids in want.items():
        reads = [e for e in entries[name] if e['kind'] == 'read']
        try:
            epoch = reads[0]['epoch']
            keys, numbers = marker.seen(reads, KEY), marker.seen(reads, PHONE)
            # By key where the answer or the request has it, by telephone number where the answer has that instead.
            lost = [i for i in ids if marker.mark(epoch, KEY, i) not in keys and marker.mark(epoch, PHONE, '86138%08d' % i) not in numbers]
            equal(lost, [], 'seen and not recorded')
            equal(keys - {marker.mark(epoch, KEY, i) for i in ids}, set(), 'recorded and not seen')
            equal({e.get('subjects') for e in reads}, {'known'})
            env.sub(name, True)
        except Exception as e:
            env.sub(name, False, str(e))
    reads = [e for e in entries['record-psql'] if e['kind'] == 'read']
    epoch = reads[0]['epoch']
    env.sub('record-psql', marker.mark(epoch, KEY, 601) in marker.seen(reads, KEY) and sum(e['rows'] for e in reads) == 2, 'reads: %d' % len(reads))


@test(gate=True)
def start_policy_people_entries(env):
    entries = env.recording.gate.entries()
    equal([e['index'] for e in entries], list(range(len(entries))))
    kinds = {e['kind'] for e in entries}
    true({'start', 'policy', 'people'} <= kinds, kinds)
    true(all(e.get('node') == 'e2e' for e in entries), 'an entry without the node')
    start = next(e for e in entries if e['kind'] == 'start')
    true(start.get('version'), start)


@test(gate=True)
def seen_and_verify(env):
    target = env.recording
    with pgwire.Conn.open(target, 'chen', params=[('application_name', 'rec-seen')]) as c:
        c.rows('select id, full_name, phone from customers where id = 1777')
    target.gate.session_entries('rec-seen')
    for words in (['--subject', '1777', '--subject-kind', 'customer'], ['--phone', '13800001777'], ['--phone', '+86 138 0000 1777']):
        out = target.gate.cli('seen', *words).stdout
        true('chen' in out or '陈静' in out, '%s: %s' % (words, out))
    out = target.gate.cli('seen', '--subject', '1778', '--subject-kind', 'customer', check=False).stdout
    true('rec-seen' not in out and 'Partner South' not in out, out)
    status, text = target.gate.verify()
    equal(status, 0, text)
