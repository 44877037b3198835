"""What an enforced person gets: masked values in every form of answer, refusals that say why, and what the ledger says of both."""
import struct

from lib import pgwire
from lib.env import equal, test, true
from lib.marks import Marker
from lib.pgwire import FLUSH, SYNC, Conn, ServerError, bind, execute, extended, parse, query

PEOPLE = 'select id, phone, mobile, email, address from customers where id <= 3 order by id'
MASKED = [[b'1', b'*******0001', b'***', b'U****************', None], [b'2', b'*******0002', b'***', b'U****************', None], [b'3', b'*******0003', None, b'U****************', None]]


def strict(env, user='bo', **more):
    return Conn.open(env.enforced, user, unix=True, **more)


def rows(messages):
    return [pgwire.data_row(body) for kind, body in messages if kind == b'D']


def failure(messages):
    found = pgwire.errors(messages)
    equal(len(found), 1, 'errors')
    return found[0]


def state(messages):
    return messages[-1][1]


def ledger(env, application, kind=None):
    """The entries of one session that has ended."""
    found = env.enforced.gate.session_entries(application)[application]
    return [e for e in found if kind is None or e['kind'] == kind]


# -- masks

@test(gate=True)
def every_form_of_answer(env):
    with strict(env) as c:
        equal(c.rows(PEOPLE), MASKED)
        equal(c.rows(PEOPLE, []), MASKED)
        equal(rows(c.ask(extended(PEOPLE, rformats=[0, 1, 1, 1, 1]))), MASKED)
        binary = [[struct.pack('>q', i + 1)] + r[1:] for i, r in enumerate(MASKED)]
        equal(rows(c.ask(extended(PEOPLE, rformats=[1]))), binary)
        equal(rows(c.ask(extended(PEOPLE, rformats=[1, 0, 1, 0, 1]))), binary)
        c.ask(query('prepare p as ' + PEOPLE))
        equal(c.rows('execute p'), MASKED)
        equal(rows(c.ask(bind(name='p') + execute() + SYNC)), MASKED)
        c.ask(query('begin') + query('declare k cursor for ' + PEOPLE), 2)
        equal(c.rows('fetch 2 from k') + rows(c.ask(execute('k', 1) + SYNC)), MASKED)
        c.ask(query('declare b binary cursor for ' + PEOPLE))
        equal(c.rows('fetch all from b'), binary)
        c.ask(query('commit'))
        text = ''.join('\t'.join(v.decode() if v is not None else '\\N' for v in r) + '\n' for r in MASKED)
        equal(b''.join(b for k, b in c.ask(query('copy (%s) to stdout' % PEOPLE)) if k == b'd').decode(), text)
        equal(b''.join(b for k, b in c.ask(query('copy (%s) to stdout csv' % PEOPLE)) if k == b'd').decode(), text.replace('\t', ',').replace('\\N', ''))
        got = b''.join(b for k, b in c.ask(query('copy (%s) to stdout (format binary)' % PEOPLE)) if k == b'd')
        equal(got[19:-2], b''.join(b'\0\5' + b''.join(struct.pack('>i', -1) if v is None else struct.pack('>i', len(v)) + v for v in r) for r in binary))
        equal(c.rows('select tel, id from v_customer where id = 3'), [[b'*******0003', b'3']])
        equal(c.rows('with w as (select phone p, id from customers) select p, id from (select * from w) x where id = 2'), [[b'*******0002', b'2']])
        tokens = [r[0] for r in c.rows('select email from contacts order by id limit 2')]
        true(all(t.startswith(b'tk-') and len(t) == 19 for t in tokens) and tokens[0] != tokens[1], tokens)


@test(gate=True)
def masks_belong_to_portals(env):
    """Two portals read in turn, columns in another order, a statement's name given anew: each row is masked by its own statement."""
    with strict(env) as c:
        c.ask(query('begin'))
        c.ask(parse('select phone, province, id from customers order by id', 'a') + parse('select province, phone, id from customers order by id', 'b') +
              bind((), 'a', 'a') + bind((), 'b', 'b', rformats=[1]) + SYNC)
        got = rows(c.ask(b''.join(execute('a', 1) + execute('b', 1) for _ in range(4)) + execute('a', 40) + SYNC))
        for i, r in enumerate(got):
            phone, other = (r[1], r[0]) if i in (1, 3, 5, 7) else (r[0], r[1])
            true(phone.startswith(b'*******0') and other in (b'Zhejiang', b'Jiangsu', b'Beijing'), 'row %d: %s' % (i, r))
        equal(len(got), 48)
        c.ask(query('commit'))
        c.ask(parse('select phone, province, id from customers where id = 1', 's') + SYNC)
        equal(failure(c.ask(parse('select province, phone, id from customers where id = 1', 's') + SYNC))['C'], '42P05')
        equal(rows(c.ask(bind(name='s') + execute() + SYNC)), [[b'*******0001', b'Jiangsu', b'1']])
        c.ask(parse('selec', 'x') + pgwire.close('S', 's') + parse('select province, phone, id from customers where id = 1', 's') + SYNC)
        equal(rows(c.ask(bind(name='s') + execute() + SYNC)), [[b'*******0001', b'Jiangsu', b'1']])
        # The old unnamed statement's portal outlives it, with its masks; and no description is asked for anywhere.
        got = rows(c.ask(parse('select phone, id, province from customers where id = 1') + bind((), 'old') + parse('select province, id, phone from customers where id = 1') + execute('old') +
                         bind() + execute() + SYNC))
        equal(got, [[b'*******0001', b'1', b'Jiangsu'], [b'Jiangsu', b'1', b'*******0001']])
        c.send(parse('select phone, id from customers order by id') + bind() + execute(rows=2) + FLUSH)
        equal(rows(c.settle(0.1)), [[b'*******0001', b'1'], [b'*******0002', b'2']])
        c.ask(SYNC)


# -- the protocol, refused

REFUSED = [  # what is sent, SQLSTATE, a part of the text
    (query('select 1; select 2'), '0A000', 'several statements'), (query('begin; select phone from customers; rollback'), '0A000', 'several statements'),
    (parse('select 1; select 2') + SYNC, '42601', 'several statements'),
    (pgwire.call(1299, []), '0A000', 'function call'),
    (query('copy scratch from stdin'), '42501', 'COPY'), (query("copy (select 1) to '/tmp/x'"), '42501', 'COPY'),
    (query('create temp table x (a int)'), '42501', 'CREATE TABLE'), (query('create temp view x as select phone from customers'), '42501', 'CREATE VIEW'),
    (query('do $$begin end$$'), '42501', 'DO'), (query('call x()'), '42501', 'CALL'), (query('lock table customers'), '42501', 'LOCK TABLE'), (query('listen x'), '42501', 'LISTEN'),
    (query('set role dba'), '42501', 'SET ROLE'), (query('set session authorization dba'), '42501', 'SET SESSION'), (query('set search_path to pg_temp, public'), '42501', 'search_path'),
    (query('set standard_conforming_strings to off'), '42501', 'standard_conforming_strings'), (query("set client_encoding to 'SJIS'"), '42501', 'client_encoding'), (query('reset role'), '42501', 'RESET ROLE'),
    (query('set debug_print_rewritten to off'), '42501', 'debug_print_rewritten'), (query('set gatehouse.team to x'), '42501', 'gatehouse.team'), (query('set local row_security to off'), '42501', 'row_security'),
    (query('alter role bo set search_path to x'), '42501', 'ALTER ROLE'), (query("prepare transaction 'x'"), '42501', 'PREPARE TRANSACTION'), (query('vacuum'), '42501', 'VACUUM'), (query('show all'), '42501', 'all'),
    (query('explain analyze select 1'), '0A000', 'ANALYZE'), (query('explain select id from customers where phone = \'1\''), '42501', 'plan'), (query('declare k cursor with hold for select 1'), '0A000', 'HOLD'),
    (query('select upper(phone) from customers'), '42501', 'phone of public.customers'), (extended('select id from customers order by phone'), '42501', 'ORDER BY'),
    (query("select id from customers where full_name = 'Ann'"), '42501', 'full_name'), (query('select serial from devices'), '42501', 'devices'), (query('select c from customers c'), '42501', ''),
    (query('select id into temp x from products'), '0A000', ''), (query('select id from products for update'), '0A000', 'FOR UPDATE'), (query("select set_config('search_path', 'x', false)"), '42501', 'set_config'),
    (query("select query_to_xml('select 1', true, true, '')"), '42501', 'query_to_xml'), (extended('select query_to_xml($1, true, true, $2)', [b'select 1', b'']), '42501', 'query_to_xml'),
    (query('select 1 as U&"\\0061"'), '42602', 'U&'), (query('merge into scratch s using scratch t on false when not matched then do nothing'), '0A000', ''),
    (query("update customers set note = 'x'"), '42501', 'customers'), (query('insert into scratch (t) select phone from customers'), '42501', ''), (query('with d as (delete from scratch returning id) select * from d'), '0A000', 'WITH'),
    (query('delete from scratch using customers c where c.id = scratch.id'), '42501', ''),
]


def name_of(data):
    return data[5:60].strip(b'\0').split(b'\0')[0].decode(errors='replace')


@test(gate=True)
def refusals_and_states(env):
    """Each is refused with words, outside and inside a transaction, whose state is the one that an error of the server's would leave."""
    with strict(env, params=[('application_name', 'refusals')]) as c:
        for data, code, words in REFUSED:
            for inside in (False, True):
                if inside:
                    c.ask(query('begin'))
                got = c.ask(data)
                f = failure(got)
                true(f['C'] == code and words in f['M'], '%s: %s %s' % (name_of(data), f['C'], f['M']))
                equal(state(got), b'E' if inside else b'I', name_of(data))
                equal(rows(got), [], name_of(data))
                if inside:
                    equal(failure(c.ask(query('select 1')))['C'], '25P02')
                    equal(state(c.ask(query('rollback'))), b'I')
        equal(c.rows('select 1'), [[b'1']])
        # In the middle of a pipeline: what was before it has happened, what is behind it is skipped, up to Sync.
        good, bad = parse('select id from products where id = 4') + bind() + execute(), parse('select upper(phone) from customers') + bind() + execute()
        got = c.ask(good + bad + good + SYNC)
        equal(pgwire.kinds(got), b'12DCEZ')
        equal(pgwire.kinds(c.ask(good + parse('begin') + bind() + execute() + bad + good + SYNC)), b'12DC12CEZ')
        got = c.ask(good + SYNC)
        equal((pgwire.kinds(got)[-2:], state(got)), (b'EZ', b'E'))
        c.ask(query('rollback'))
    found = ledger(env, 'refusals', 'refuse')
    true(len(found) >= 2 * len(REFUSED), '%d entries of %d refusals' % (len(found), 2 * len(REFUSED)))
    true(all(e.get('why') for e in found), 'a refusal without a reason')
    true(any(e.get('rule', '').split(':')[0].endswith('policy.gate') for e in found), 'no refusal names its rule')
    equal([e for e in found if '138' in e.get('text', '')], [], 'a literal is on record')


@test(gate=True)
def refusals_name_their_rule(env):
    with strict(env, 'chen') as c:
        for sql, code, words in (('select upper(phone) from customers', '42501', 'phone'), ('select id from products', '54000', '5 rows'), ('copy (select 1) to stdout', '42501', 'COPY'),
                                 ('declare k cursor for select 1', '42501', 'cursor')):
            c.ask(query('begin'))
            f = failure(c.ask(query(sql)))
            c.ask(query('rollback'))
            true(f['C'] == code and words in f['M'] and 'policy.gate:' in f['M'] and f.get('H'), f)
        # An answer in pieces: refused where it speaks of people, a limit elsewhere.
        f = failure(c.ask(parse('select id from customers') + bind() + execute(rows=1) + SYNC))
        true(f['C'] == '42501' and 'pieces' in f['M'], f)


@test(gate=True)
def limit_of_rows(env):
    with strict(env, 'chen', params=[('application_name', 'limits')]) as c:
        equal(len(c.rows('select id from products limit 5')), 5)
        equal(len(c.rows('select id, phone from customers where id <= 5')), 5)
        for ask in (query('select id, phone from customers order by id'), extended('select id, phone from customers order by id')):
            got = c.ask(ask)
            equal((len(rows(got)), failure(got)['C'], state(got)), (5, '54000', b'I'))
        # In parts of one portal it counts together.
        c.ask(query('begin'))
        got = c.ask(parse('select id from products') + bind((), 'p') + execute('p', 3) + execute('p', 3) + execute('p', 3) + SYNC)
        equal((len(rows(got)), failure(got)['C'], state(got)), (5, '54000', b'E'))
        c.ask(query('rollback'))
        # Nothing behind the error is answered, and the session goes on.
        got = c.ask(parse('select id from products') + bind() + execute() + parse('select 1', 's') + bind(name='s') + execute() + SYNC)
        equal((len(rows(got)), pgwire.kinds(got)[-2:]), (5, b'EZ'))
        equal(failure(c.ask(bind(name='s') + SYNC))['C'], '26000')
        equal(c.rows('select 1'), [[b'1']])
        # A write or COMMIT behind an answer that is cut does not happen.
        many, write = parse('select id from products') + bind() + execute(), parse("insert into scratch values (77, null, 'behind')") + bind() + execute()
        equal(pgwire.kinds(c.ask(many + write + SYNC))[-3:], b'DEZ')
        c.ask(query('begin'))
        got = c.ask(write + many + parse('commit') + bind() + execute() + SYNC)
        equal((failure(got)['C'], state(got)), ('54000', b'E'))
        c.ask(query('rollback'))
        equal(c.rows('select id from scratch where id = 77'), [])
        # What a write returns is not limited: it is done already.
        values = ', '.join("(%d, null, 'many')" % i for i in range(900, 908))
        c.ask(query('begin'))
        equal(len(c.rows('insert into scratch values %s returning id' % values)), 8)
        c.ask(query('rollback'))
    found = ledger(env, 'limits')
    cut = [e for e in found if e.get('sqlstate') == '54000']
    equal([e['rows'] for e in cut], [5, 5])
    true(all(e.get('rule') for e in found if e['kind'] == 'refuse'), found)


@test(gate=True)
def start_up(env):
    for key, value in (('client_encoding', 'SJIS'), ('options', '-c search_path=x'), ('options', '-c standard_conforming_strings=off'), ('search_path', 'x'), ('standard_conforming_strings', 'off'),
                       ('row_security', 'off'), ('debug_print_rewritten', 'off'), ('role', 'dba'), ('gatehouse.team', 'x'), ('_pq_.x', 'y'), ('replication', 'database')):
        try:
            with strict(env, params=[(key, value)]) as c:
                true(key not in ('client_encoding', 'options', 'role', 'replication'), '%s=%s was accepted' % (key, value))
                equal([c.rows('show ' + s)[0][0] for s in ('search_path', 'standard_conforming_strings', 'row_security', 'client_encoding')], [b'"$user", public, pg_temp', b'on', b'on', b'UTF8'], key)
                equal(c.rows('select phone, id from customers where id = 1'), [[b'*******0001', b'1']])
        except ServerError as e:
            true(e.code in ('0A000', '08P01', '42501', '28000', '42704'), '%s: %s' % (key, e))
    with strict(env, params=[('application_name', 'it\'s me'), ('TimeZone', 'Asia/Tokyo'), ('DateStyle', 'ISO, DMY'), ('client_encoding', 'utf-8'), ('statement_timeout', '12345')]) as c:
        equal([c.parameters[n] for n in ('application_name', 'TimeZone', 'DateStyle', 'client_encoding')], ["it's me", 'Asia/Tokyo', 'ISO, DMY', 'UTF8'])
        equal(c.rows('show statement_timeout'), [[b'12345ms']])
        c.ask(query('set statement_timeout to 1'))
        c.ask(query('reset all'))
        equal(c.rows('show statement_timeout') + c.rows('show timezone'), [[b'12345ms'], [b'Asia/Tokyo']])
        # What the role has of its own does not come back by RESET ALL either.
    env.cluster.psql("ALTER ROLE zhao SET search_path TO gatehouse; ALTER ROLE zhao SET standard_conforming_strings TO off; ALTER ROLE zhao SET debug_print_rewritten TO off; ALTER ROLE zhao SET client_min_messages TO error")
    try:
        with strict(env, 'zhao') as c:
            for sql in ('reset all', 'discard all', 'reset search_path', 'select 1'):
                c.ask(query(sql))
                equal(c.rows('select phone, id from customers where id = 1'), [[b'*******0001', b'1']], sql)
                equal(c.rows('show standard_conforming_strings'), [[b'on']])
    finally:
        env.cluster.psql('ALTER ROLE zhao RESET ALL')


# -- errors and notices

@test(gate=True)
def errors_tell_no_data(env):
    with strict(env) as c:
        f = failure(c.ask(query('insert into tickets values (1, 7, \'x\', \'y\')')))  # the key exists: DETAIL would say so
        equal((f['C'], sorted(f)), ('23505', ['C', 'M', 'S', 'V']))
        true('Key' not in f['M'], f)
        f = failure(c.ask(query('insert into tickets values (99999, 999999, \'x\', \'y\')')))
        equal((f['C'], sorted(f)), ('23503', ['C', 'M', 'S', 'V']))
        # It names a protected column: the class of the error is all that is told.
        for sql in ("select id, phone from customers where id = 1 and 1 / (id - 1) > 0", "select phone, id, (province || 'x')::int from customers"):
            f = failure(c.ask(query(sql)))
            true(f['C'] in ('22000',) and 'Zhejiang' not in str(f) and sorted(f) == ['C', 'H', 'M', 'S', 'V'], f)
        f = failure(c.ask(extended('select id, phone from customers where id = $1', [b'138x'])))
        true(f['C'] == '22000' and '138x' not in str(f), f)
        # At Parse it speaks of the client's text.
        f = failure(c.ask(query('select phon from customers')))
        true(f['C'] == '42703' and f['P'] == '8' and 'phone' in f.get('H', ''), f)
        # Trees are notices of LOG level; none of them, and no other of that level, is the client's.
        got = c.ask(query('select 1')) + c.ask(query('begin')) + c.ask(query('begin')) + c.ask(query('rollback'))
        notices = [pgwire.error_fields(b) for k, b in got if k == b'N']
        equal([(n['S'], n['C']) for n in notices], [('WARNING', '25001')])


# -- the ledger

@test(gate=True)
def records(env):
    g = env.enforced.gate
    with strict(env, params=[('application_name', 'records')]) as c:
        equal(c.rows('select phone from customers where id between 11 and 13 order by id'), [[b'*******00%d' % i] for i in (11, 12, 13)])  # the key is put in, and taken out
        got = c.ask(extended('select phone from customers where id between 14 and 15 order by id', rformats=[1]))
        equal((rows(got), next(b for k, b in got if k == b'T')[:2]), ([[b'*******0014'], [b'*******0015']], b'\0\1'))
        equal(b''.join(b for k, b in c.ask(query('copy (select phone from customers where id = 16) to stdout')) if k == b'd'), b'*******0016\n')
        c.rows(PEOPLE)
        equal(c.rows("select id from customers where phone = '13800000021'"), [[b'21']])
        equal(c.rows('select id from customers where phone = $1', [b'13800000022']), [[b'22']])
        equal(c.rows("select id from customers where phone = '13900000021'"), [])
        c.rows('select amount from orders where customer_id = 31')
        equal(c.rows('select id from products where id = 1'), [[b'1']])
        c.ask(query("update tickets set state = 'x' where id = 300"))
        c.ask(query('rollback'))
        equal(c.rows("select count(*) from customers where phone = '13900000022'"), [[b'0']])
    found = ledger(env, 'records')
    marker, reads = Marker(g.folder + '/mark.keys'), [e for e in found if e['kind'] == 'read']
    by = {i: e for i, e in enumerate(reads)}
    for i, keys in ((0, [11, 12, 13]), (1, [14, 15]), (2, [16]), (3, [1, 2, 3])):
        marker.expect([by[i]], 'customer.key', keys)
        equal((by[i]['rows'], by[i]['subjects'], by[i].get('via')), (len(keys), 'known', 'answer'), str(i))
        true('public.customers.phone last 4' in by[i]['masked'], by[i])
        true('gh_key' not in by[i]['text'], by[i])
    marker.expect([by[0]], 'customer.phone', ['861380000001%d' % i for i in (1, 2, 3)])  # marks are of values as they are
    equal(set(by[3]['masked']), {'public.customers.phone last 4', 'public.customers.mobile fixed', 'public.customers.email first 1', 'public.customers.address hide'})
    equal([by[i].get('probe') for i in range(9)], [None] * 4 + ['hit', 'hit', 'miss', None, 'counted'])
    marker.expect([by[6]], 'customer.phone', ['8613900000021'])
    equal(by[6]['via'], 'request')
    equal(len(reads), 9, [e.get('text') for e in reads])
    equal([(e['kind'], e['rows']) for e in found if e['kind'] == 'write'], [('write', 1)])
