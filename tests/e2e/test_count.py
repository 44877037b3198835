"""Budgets: how many different people somebody sees, exactly, across sessions, reloads and restarts."""
import os
import signal
import threading

from lib import pgwire
from lib.count import Stand, password
from lib.env import equal, test, true, until
from lib.pgwire import SYNC, Conn, ServerError, bind, execute, extended, parse, query


def open_as(stand, role, **more):
    return Conn.open(stand.target, role, password(role), unix=True, **more)


def rows(messages):
    return [pgwire.data_row(body) for kind, body in messages if kind == b'D']


def codes(messages):
    return [f['C'] for f in pgwire.errors(messages)]


def ids(first, last):
    return 'select id, full_name, phone from customers where id between %d and %d order by id' % (first, last)


@test(gate=True)
def budget_of_an_actor(env):
    """The answer is cut at the last person allowed, with an error that says which budget; seen ones are free; other sessions count too; a restart changes nothing."""
    with Stand(env, 'actor') as stand:
        c = open_as(stand, 'few1')
        equal(len(rows(c.ask(query(ids(1, 6))))), 6)
        equal(len(rows(c.ask(query(ids(1, 6))))), 6)
        got = c.ask(query(ids(5, 20)))
        equal(([r[0] for r in rows(got)], codes(got)), ([b'5', b'6', b'7', b'8', b'9', b'10'], ['53Z01']))
        error = pgwire.errors(got)[0]
        true('10 customers per hour for each actor' in error['M'] and 'policy.gate:' in error['M'] and 'becomes free at' in error['H'], error)
        d = open_as(stand, 'few1')
        equal(codes(d.ask(query(ids(11, 11)))), ['53Z01'])
        equal(len(rows(d.ask(query(ids(1, 10))))), 10)
        equal(len(rows(open_as(stand, 'few2').ask(query(ids(11, 20))))), 10)
        # Every form of answer, and what shows nobody.
        equal(rows(d.ask(query('select count(*) from customers'))), [[b'2000']])
        equal(rows(d.ask(query("select province, count(*) from customers group by province order by 1")))[0][0], b'Beijing')
        for sql in ('select full_name from customers where id = 12', 'select o.id, o.item from orders o where customer_id = 12', "copy (%s) to stdout" % ids(12, 12)):
            equal((codes(d.ask(query(sql))), sql), (['53Z01'], sql))
        equal(codes(d.ask(extended(ids(12, 12)))), ['53Z01'])
        equal(codes(d.ask(query("select max(full_name) from customers"))), ['42501'])
        # The record: who was shown is there, who was cut is not.
        seen = [e for e in stand.gate.entries(kind='read', actor='few1') if 'classes' in e]
        true(seen and all(len(e['classes']) == len(e['marks']) * 3 // 32 or e['classes'] for e in seen), seen)
        refused = [e for e in stand.gate.entries(kind='refuse', actor='few1') if e.get('budget')]
        true(refused and refused[0]['budget'] == '10 customers per hour for each actor' and refused[0]['marks'], refused)
        stand.gate.hup()
        stand.gate.stop()
        stand.gate.start()
        e = open_as(stand, 'few1')
        equal(codes(e.ask(query(ids(11, 11)))), ['53Z01'])
        equal(len(rows(e.ask(query(ids(1, 10))))), 10)


@test(gate=True)
def budget_of_lookups_and_clear(env):
    with Stand(env, 'lookups') as stand:
        c = open_as(stand, 'few1')
        for phone in ('13800000001', '13999999999', '13800000003'):
            c.ask(query("select id from customers where phone = '%s'" % phone))
        got = c.ask(query("select id from customers where phone = '13800000004'"))
        equal((codes(got), got[-1][1]), (['53Z01'], b'I'))
        true('3 lookups per hour' in pgwire.errors(got)[0]['M'], got)
        equal(rows(c.ask(query("select id from customers where phone = '13800000001'"))), [[b'1']])
        # Only those whose name was shown count as clear; the key alone does not.
        p = open_as(stand, 'plain1')
        equal(len(rows(p.ask(query('select id, phone from customers where id <= 50')))), 50)
        got = p.ask(query(ids(1, 9)))
        equal((len(rows(got)), codes(got)), (5, ['53Z01']))
