"""Reasons: a look-up is for a case of the company's own tickets, about this person; what is claimed is on record, what is not explained is refused, hidden or counted."""
import base64

from lib.count import Stand
from lib.env import equal, test, true, until
from lib.pgwire import SYNC, bind, errors, execute, extended, parse, query
from test_count import codes, ids, open_as, rows


@test(gate=True)
def need_purpose_and_case(env):
    with Stand(env, 'need') as stand:
        c = open_as(stand, 'wei')
        c.ask(query('begin'))
        got = c.ask(query(ids(7, 7)))
        equal((rows(got), codes(got), got[-1][1]), ([], ['28Z03'], b'T'))
        true('purpose' in errors(got)[0]['M'] and 'SET gatehouse.purpose' in errors(got)[0]['H'], got)
        c.ask(query("set gatehouse.purpose = 'complaint'"))
        got = c.ask(extended(ids(7, 7)))
        equal((codes(got), got[-1][1]), (['28Z03'], b'T'))
        c.ask(query("set gatehouse.case = '7'"))
        equal(len(rows(c.ask(query(ids(7, 7))))), 1)
        c.ask(query('commit'))
        equal(c.rows('show gatehouse.case'), [[b'7']])
        # Somebody else's matter under this case, a case that is not there, a case of a colleague, of another organisation, long closed.
        equal(codes(c.ask(query(ids(8, 8)))), ['42501'])
        for case, who, code in (('8', 8, []), ('999', 8, ['42501']), ('25', 25, []), ('35', 35, []), ('45', 45, []), ('55', 55, ['42501'])):
            c.ask(query("set gatehouse.case = '%s'" % case))
            equal((case, codes(c.ask(query(ids(who, who))))), (case, code))
        # In a comment of the statement: stronger than SET.
        equal(len(rows(c.ask(query(ids(9, 9) + " /*case='9',purpose='call%20back'*/")))), 1)
        equal(codes(c.ask(query(ids(10, 10) + " /*case='9'*/"))), ['42501'])
        # Several people: rows up to the first that is not explained.
        c.ask(query("set gatehouse.case = '12'"))
        got = c.ask(query(ids(12, 14)))
        equal(([r[0] for r in rows(got)], codes(got)), ([b'12'], ['42501']))
        c.ask(query('select count(*) from products'))
        d = open_as(stand, 'wei', params=[('options', '-c gatehouse.case=13 -c gatehouse.purpose=call')])
        equal(len(rows(d.ask(query(ids(13, 13))))), 1)
        until(lambda: len(stand.gate.entries(kind='read', actor='wei')) >= 8, 5, 'entries')
        entries = stand.gate.entries(actor='wei')
        classes = {(e['case'], e['classes']) for e in entries if e['kind'] == 'read' and e.get('classes')}
        true({('7', 'E'), ('25', 'E'), ('35', 'W'), ('45', 'W'), ('9', 'E')} <= classes, classes)
        true(any(e['kind'] == 'read' and e.get('purpose') == 'call back' for e in entries), 'the comment\'s purpose')
        refused = [e for e in entries if e['kind'] == 'refuse' and 'unexplained' in e['why']]
        true(refused and all(e['marks'] and ':' in e['rule'] for e in refused), refused)


@test(gate=True)
def unexplained_is_counted_or_hidden(env):
    with Stand(env, 'unexplained') as stand:
        c = open_as(stand, 'opn')
        equal(len(rows(c.ask(query(ids(1, 20))))), 20)  # the team's
        got = c.ask(query(ids(100, 110)))
        equal(([r[0] for r in rows(got)], codes(got)), ([b'100', b'101'], ['53Z01']))
        true('2 unexplained customers per day' in errors(got)[0]['M'], got)
        v = open_as(stand, 'veil')
        got = rows(v.ask(query('select id, full_name, phone, province from customers where id in (5, 105) order by id')))
        equal((got[0][1] is not None, got[0][2], got[1]), (True, b'*******0005', [b'105', None, None, b'Zhejiang']))
        got = rows(v.ask(extended('select full_name, id from customers where id in (5, 105) order by id', rformats=[1])))
        true(got[0][0] is not None and got[1][0] is None, got)
        got = rows(v.ask(query('select full_name from customers where id = 105')))
        equal(got, [[None]])
        got = rows(v.ask(query("select id, full_name, 1 + 1 from customers where id in (5, 105) order by id")))
        equal(([r[2] for r in got], got[1][1]), ([b'2', None], None))  # what is computed may hold anybody's
        entries = [e for e in stand.gate.entries(kind='read', actor='veil')]
        equal([e['classes'] for e in entries], ['Eu', 'Eu', 'u', 'Eu'])


@test(gate=True)
def settled_when_the_ticket_comes(env):
    """A look-up that came before its ticket is settled in the ledger when the ticket comes, also across a restart; another person's ticket settles nothing."""
    with Stand(env, 'settled', case_settle='1s', case_cache='1s') as stand:
        c = open_as(stand, 'opn')
        for who in (100, 101):
            equal(len(rows(c.ask(query(ids(who, who))))), 1)
        looks = [e for e in stand.gate.entries(kind='read', actor='opn') if e['classes'] == 'U']
        equal(len(looks), 2)
        stand.cluster.psql("INSERT INTO cases VALUES (900, 100, 'opn', 'frontdesk', 'T1', now(), NULL), (901, 102, 'opn', 'frontdesk', 'T1', now(), NULL)")
        found = until(lambda: stand.gate.entries(kind='settle'), 20, 'a settle entry')
        equal([(e['why'], e['case'], e['actor'], e['target']) for e in found], [('settled', '900', 'opn', '%s %d' % (looks[0]['session'], looks[0]['seq']))])
        true(base64.b64decode(found[0]['marks']) == base64.b64decode(looks[0]['marks'])[:8], 'the mark of the person\'s key')
        stand.gate.stop()
        stand.gate.start()
        stand.cluster.psql("INSERT INTO cases VALUES (902, 101, 'opn', 'frontdesk', 'T1', now(), NULL)")
        until(lambda: len(stand.gate.entries(kind='settle')) == 2, 20, 'the second')
        last = stand.gate.entries(kind='settle')[-1]
        equal((last['case'], last['target']), ('902', '%s %d' % (looks[1]['session'], looks[1]['seq'])))
