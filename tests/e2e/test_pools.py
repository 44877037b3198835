"""Pooled applications: many agents over few connections, another one in every transaction; nothing of one is left for the next.
GATEHOUSE_E2E_SEED: of all that is random (4); GATEHOUSE_E2E_SCRIPTS: how many scripts as_settings plays (300)."""
import asyncio
import collections
import contextlib
import json
import os
import random
import re
import sys
import textwrap
import threading
import types
import unittest.mock

import asyncpg
import psycopg2
import psycopg2.extensions
import psycopg2.pool

import test_jdbc
import test_node
from lib import gate, token
from lib.count import Stand, password
from lib.env import Target, equal, test, true, until
from lib.pgwire import SYNC, Conn, bind, error_fields, execute, parse, query
from test_count import codes, rows

HERE = gate.HERE


def stand_of(env, name):
    return Stand(env, name, policy=os.path.join(HERE, 'pools.gate'), sql=os.path.join(HERE, 'pools.sql'))


def connect(stand, token=None):
    return Conn.open(stand.target, 'crm', password('crm'), unix=True, params=[('options', '-c gatehouse.token=' + token)] if token else [])


def run(sql):
    """A statement in the extended protocol, without Sync."""
    return parse(sql) + bind() + execute()


NAME = 'select id, full_name, phone from customers where id = 7'
TEAM = 'select distinct assigned_team from worklist'


@test(gate=True)
def pipelined(env):
    """SET, statements and the ends of transactions in one batch: each statement is that of the person in force at its place."""
    with stand_of(env, 'pipelined') as stand:
        ann, ben = stand.issuer.token('ann', roles=['care'], team='T1'), stand.issuer.token('ben', roles=['desk'], team='T2', org='South')
        a, b = "set gatehouse.token = '%s'" % ann, "set gatehouse.token = '%s'" % ben
        la, lb = a.replace('set', 'set local', 1), b.replace('set', 'set local', 1)
        clear = connect(stand, ann).rows(NAME)[0][1]
        names = {'a': clear, 'b': (clear.decode()[:1] + '*' * (len(clear.decode()) - 1)).encode(), '': None}
        teams = {'a': [b'T1'], 'b': [b'T2'], '': []}
        scripts = [  # batches, and who asks in each statement
            ([la, NAME], 'a'), ([NAME], '-'), ([a, NAME, b, NAME], 'ab'), (['reset gatehouse.token', NAME], '-'),
            (['begin', la, NAME, 'commit', NAME], 'a-'), (['begin', la, NAME, 'rollback', NAME], 'a-'), (['begin', a, NAME, 'rollback', NAME], 'a-'),
            (['begin', a, NAME, lb, NAME, 'commit', NAME, 'reset gatehouse.token', NAME], 'aba-'),
            (['begin', la, NAME, 'commit and chain', NAME, 'rollback'], 'a-'), (['begin', la, NAME, 'rollback and chain', NAME, 'commit'], 'a-'),
            (['begin', la, 'savepoint s', lb, NAME, 'rollback to s', NAME, 'commit', NAME], 'ba-'),
        ]
        for warm in range(2):  # the second time every decision is in the session's cache
            c = connect(stand) if warm == 0 else c
            for batch, who in scripts:
                for ask in (NAME, TEAM):
                    got = c.ask(b''.join(run(ask if sql is NAME else sql) for sql in batch) + SYNC)
                    equal(codes(got), [], str((warm, batch)))
                    who = [w.strip('-') for w in who]
                    want = [names[w] for w in who] if ask is NAME else [t for w in who for t in teams[w]]
                    equal([r[1 if ask is NAME else 0] for r in rows(got)], want, str((warm, batch)))


@test(gate=True)
def transactions(env):
    """What one person leaves behind within a transaction, or at its end, is not the next one's."""
    with stand_of(env, 'transactions') as stand:
        ann, ben = stand.issuer.token('ann', roles=['care'], team='T1'), stand.issuer.token('ben', roles=['care'], team='T2')
        a, b = "set gatehouse.token = '%s'" % ann, "set gatehouse.token = '%s'" % ben
        la, lb = a.replace('set', 'set local', 1), b.replace('set', 'set local', 1)
        c = connect(stand)

        def ask(*sqls):
            return [codes(c.ask(query(sql))) for sql in sqls]

        def who():
            return c.rows('show gatehouse.actor')[0][0]

        # A cursor reads on with its own person's settings on the server, whoever asked in between.
        equal(ask('begin', la, 'declare k cursor for select id, assigned_team from worklist', lb), [[]] * 4)
        equal(c.rows(TEAM), [[b'T2']])
        equal(codes(c.ask(query('fetch 1 from k'))), ['0A000'])
        equal(ask('rollback', 'begin', la, 'declare k cursor for select id, assigned_team from worklist', lb), [[]] * 5)
        equal(c.rows(TEAM), [[b'T2']])
        equal(ask(la), [[]])
        got = c.rows('fetch all from k')
        equal((len(got), {r[1] for r in got}), (20, {b'T1'}))
        equal(ask('rollback'), [[]])
        c.ask(parse('select id, assigned_team from worklist', 's') + SYNC)
        equal(ask('begin', la), [[]] * 2)
        c.ask(bind(name='s', portal='p') + execute('p', 3) + SYNC)
        equal(ask(lb), [[]])
        equal(c.rows(TEAM), [[b'T2']])
        equal(ask(la), [[]])
        got = rows(c.ask(execute('p') + SYNC))
        equal((len(got), {r[1] for r in got}), (17, {b'T1'}))
        equal(ask('rollback'), [[]])
        # A reload with the same policy lets an open cursor be.
        equal(ask('begin', la, 'declare k cursor for select id, assigned_team from worklist', 'fetch 2 from k'), [[]] * 4)
        before = len(stand.gate.entries(kind='policy'))
        stand.gate.hup()
        until(lambda: len(stand.gate.entries(kind='policy')) > before, 10, 'a policy entry')
        equal((len(c.rows('fetch 20 from k')), ask('commit')), (18, [[]]))
        # A batch that ends a failed transaction and begins anew keeps what it says.
        equal(ask('begin', 'select 1 / 0'), [[], ['22012']])
        equal(codes(c.ask(run('rollback') + run(a) + SYNC)), [])
        equal(who(), b'ann')
        # What was discarded is not brought back by an error behind it.
        equal(codes(c.ask(run('discard all') + run('select 1 / 0') + SYNC)), ['22012'])
        equal(who(), b'')
        equal(codes(c.ask(run(a) + run('select 1 / 0') + SYNC)), ['22012'])
        equal(who(), b'')
        # A chained transaction is another: its cursors are gone.
        equal(ask('begin', a, 'declare k cursor for select id from worklist', 'commit and chain', 'declare k cursor for select id from worklist', 'rollback and chain', 'fetch k'), [[]] * 6 + [['34000']])
        equal((ask('rollback'), who()), ([[]], b'ann'))
        equal(ask('reset all'), [[]])
        # SET LOCAL outside of a transaction: a warning, as PostgreSQL gives it, and nothing else.
        got = c.ask(query(la))
        equal([error_fields(m)['C'] for kind, m in got if kind == b'N'], ['25P01'])
        equal(who(), b'')
        # A token that expires: refused from then on, also in the middle of a transaction, until another is given; never nobody's view in its place.
        short = "set gatehouse.token = '%s'" % stand.issuer.token('ann', roles=['care'], team='T1', life=3 - 60)  # a minute's leeway
        equal(ask(short, 'begin', NAME), [[]] * 3)
        until(lambda: codes(c.ask(query(NAME))) == ['28000'], 10, 'the token to expire')
        equal(ask(NAME, 'rollback', NAME, short, b, NAME), [['28000'], [], ['28000'], ['28000'], [], []])
        equal(c.rows(TEAM), [[b'T2']])
        # Nobody stays nobody after a token that was refused, whatever is rolled back.
        equal(ask('begin', 'savepoint s', 'set gatehouse.token = \'x.y.z\'', 'rollback to s'), [[], [], ['28000'], []])
        equal((who(), ask('commit'), who()), (b'', [[]], b''))


@test(gate=True)
def reloads(env):
    """Statements that the server refuses, while the policy is read again and again: each is answered."""
    with stand_of(env, 'reloads') as stand:
        faults, over, ann = [], threading.Event(), stand.issuer.token('ann', roles=['care'])

        def worker(k):
            c, n = connect(stand, ann), 0
            c.sock.settimeout(10)
            try:
                while not over.is_set():
                    n += 1
                    equal(codes(c.ask(query('selec %d' % n) if k % 2 else run('selec %d' % n) + SYNC)), ['42601'])
                    if n % 10 == 0:
                        equal([codes(c.ask(query(sql))) for sql in ('begin', 'selec', NAME, 'rollback', NAME)], [[], ['42601'], ['25P02'], [], []])
            except Exception as e:
                faults.append(e)
                c.close()

        threads = [threading.Thread(target=worker, args=(k,)) for k in range(4)]
        for t in threads:
            t.start()
        for _ in range(25):
            before = stand.gate.log_size()
            stand.gate.hup()
            true(stand.gate.log_has('reloaded: policy', 10, before), 'a reload')
        over.set()
        for t in threads:
            t.join()
        if faults:
            raise faults[0]


# ---- settings follow transactions as PostgreSQL's do ----

POINTS = ('a', 'b', '"A to b"')


def statement(rng):
    point, setting = rng.choice(POINTS), rng.choice(['purpose', 'purpose', '"case"'])  # a reserved word to PostgreSQL
    value = rng.choice(["'%s'" % rng.choice('uvwxyz'), "'%d'" % rng.randrange(100), 'Word', '12', "'it''s'", "''"])
    how = rng.choice(['set', 'set', 'set session', 'set local', 'set local', 'set local'])
    return rng.choices(
        ['begin', 'start transaction', 'commit', 'end', 'rollback', 'abort', 'commit and chain', 'rollback and chain', 'savepoint ' + point, 'rollback to ' + point,
         'rollback to savepoint ' + point, 'release ' + point, '%s gatehouse.%s = %s' % (how, setting, value), '%s gatehouse.%s to %s' % (how, setting, value),
         '%s gatehouse.%s to default' % (how, setting), 'reset gatehouse.' + setting, 'reset all', 'show gatehouse.purpose', 'show gatehouse."case"', 'select 1', 'select 1 / 0', 'selec'],
        [6, 1, 3, 1, 3, 1, 1, 1, 6, 4, 2, 3, 14, 4, 1, 2, 1, 10, 4, 2, 2, 1])[0]


def script(rng):
    """Batches: a Query each, or several statements up to one Sync; behind each, what the settings are."""
    out = []
    for _ in range(rng.randint(4, 16)):
        kind = rng.random()
        if kind < 0.05:
            out.append(['discard all'])
        elif kind < 0.6:
            out.append([statement(rng)])
        else:
            out.append([statement(rng) for _ in range(rng.randint(1, 6))] + ['sync'])
        out += [['show gatehouse.purpose'], ['show gatehouse."case"']]
    return out


def played(c, batches):
    out = []
    for batch in batches:
        said = []
        for kind, body in c.ask(b''.join(map(run, batch[:-1])) + SYNC if batch[-1] == 'sync' else query(batch[0])):
            if kind in b'CZ':
                said.append(body.decode().strip('\0'))
            elif kind == b'D':
                said.append(rows([(kind, body)])[0])
            elif kind in b'EN':
                said.append(error_fields(body)['C'])
        out.append(said)
    return out


@test(gate=True)
def as_settings(env):
    """The same random scripts through the gate, whose settings these are, and to PostgreSQL, for which they are two texts like any other: tags, errors, warnings, values."""
    seed, count = int(os.environ.get('GATEHOUSE_E2E_SEED', '4')), int(os.environ.get('GATEHOUSE_E2E_SCRIPTS', '300'))
    with stand_of(env, 'settings') as stand:
        direct = Target(stand.cluster.port, stand.cluster.sockdir, env.authority.cert)
        ours, theirs = connect(stand), Conn.open(direct, 'crm', password('crm'), unix=True, params=[('options', '-c gatehouse.purpose= -c gatehouse.case=')])
        for k in range(count):
            batches = script(random.Random(seed * 100000 + k))
            got, want = played(ours, batches), played(theirs, batches)
            for i, batch in enumerate(batches):
                if got[i] != want[i]:
                    print(k, *zip(batches[:i + 1], got), sep='\n')
                    equal(got[i], want[i], 'script %d, %s' % (k, ' | '.join('; '.join(b) for b in batches[max(0, i - 12):i + 1] if 'show' not in b[0])))
            equal(*[played(c, [['rollback'], ['discard all']]) for c in (ours, theirs)], 'the end of script %d: %s' % (k, batches))


# ---- agents, and what each of them is to see ----

class Agent:
    """group, employer and team of number k; ids: the 40 customers that his budget has room for."""

    def __init__(self, k, rng, prefix='agent'):
        self.name, self.group = '%s%02d' % (prefix, k), ('care', 'desk', 'audit')[k % 3]
        self.org, self.team = ('North', 'South')[k // 3 % 2], 'T%d' % (1 + k // 2 % 3)
        self.ids = sorted(rng.sample(range(1, 301), 40))
        self.token, self.sees, self.work = None, {}, []

    def sign(self, issuer, **more):
        return issuer.token(self.name, org=self.org, team=self.team, roles=[self.group], **more)


COLUMNS = 'select id, full_name, phone, email, account_id from customers where id '
WORK = 'select id, note from worklist order by id'
HIDDEN = (None, None, None, None)


def agents(stand, seed, n=12):
    """What an agent sees is asked for by another with the same claims over a connection of his own, and looked at: nothing of it is taken on trust."""
    everybody = [Agent(k, random.Random(seed + k)) for k in range(n)]
    for k, a in enumerate(everybody):
        a.token = a.sign(stand.issuer)
        other = Agent(k, random.Random(seed + k), 'ref')
        c = connect(stand, other.sign(stand.issuer))
        got = c.rows(COLUMNS + 'in (%s)' % ', '.join(map(str, a.ids)))
        a.sees = {int(r[0]): tuple(v and v.decode() for v in r[1:]) for r in got}
        a.work = [(int(i), note.decode()) for i, note in c.rows(WORK)]
        c.close()
        equal([i for i, _ in a.work], [i for i in range(1, 61) if 1 + i % 3 == int(a.team[1])])
        for i, (name, phone, email, account) in a.sees.items():
            equal(phone, {'care': '138%08d' % i, 'desk': '*******%04d' % i, 'audit': '***'}[a.group])
            true(name is None if a.group == 'audit' else (' %d' % i in name) == (a.group == 'care'), name)
            true(email is None or email.startswith('tk-') == (a.group == 'desk'), email)
            true(account.startswith('tk-') == (a.group == 'care'), account)
    seen = collections.defaultdict(set)  # hashes and tokens belong to employers
    for a in everybody:
        for i, row in a.sees.items():
            seen[row[3]].add((i, a.org, a.group == 'care'))
    equal([v for v in seen.values() if len(v) > 1], [])
    return everybody


# ---- psycopg2 as Django uses it ----

class Application:
    """Worker threads that take a connection for one transaction each. log: rows that came, by (actor, case, purpose)."""

    def __init__(self, stand, seed):
        self.stand, self.everybody = stand, agents(stand, seed)
        self.pool = psycopg2.pool.ThreadedConnectionPool(4, 4, stand.dsn('crm'))
        self.places, self.lock, self.go = threading.Semaphore(4), threading.Lock(), threading.Event()
        self.log, self.seen = collections.Counter(), collections.defaultdict(set)
        self.active = self.done = 0
        self.faults, self.kinds = [], collections.Counter()
        self.go.set()

    def worker(self, seed, count):
        rng = random.Random(seed)
        try:
            for n in range(count):
                self.go.wait()
                with self.places:
                    with self.lock:
                        self.active += 1
                    c = self.pool.getconn()
                    try:
                        Transaction(self, c, rng, '%d-%d' % (seed, n)).run()
                    finally:
                        self.pool.putconn(c)  # rolls back what is open
                        with self.lock:
                            self.active -= 1
                            self.done += 1
                if self.faults:
                    return
        except BaseException as e:
            self.faults.append(e)
            raise

    def pause(self):
        self.go.clear()
        until(lambda: self.active == 0 or self.faults, 20, 'the workers to pause')


class Transaction:
    def __init__(self, app, c, rng, number):
        self.app, self.c, self.rng, self.number = app, c, rng, number
        self.agent = rng.choice(app.everybody) if rng.random() < 0.9 else None
        self.case = self.purpose = None

    # -- what the application sends

    def sql(self, text, args=None):
        with self.c.cursor() as k:
            k.execute(text, args)
            return k.fetchall() if k.description else None

    def say(self, agent, local=True, case=True):
        local = 'set local ' if local else 'set '
        self.agent = agent
        if agent:
            self.sql(local + 'gatehouse.token = %s', (agent.token,))
        if agent and case and self.rng.random() < 0.8:
            self.case = 'case-%s' % self.number
            self.sql(local + 'gatehouse.case = %s', (self.case,))
        if agent and case and self.rng.random() < 0.5:
            self.purpose = 'purpose of ' + agent.name
            self.sql(local + 'gatehouse.purpose = %s', (self.purpose,))

    def came(self, n):
        with self.app.lock:
            self.app.log[self.agent.name if self.agent else 'crm', self.case, self.purpose] += n

    # -- what must come back

    def nobody(self):
        equal([self.sql('show gatehouse.' + w)[0][0] for w in ('actor', 'case', 'purpose')], ['', '', ''], 'left over')

    def check(self, got, wanted):
        want = [(i,) + (self.agent.sees[i] if self.agent else HIDDEN) for i in wanted]
        equal(sorted(got), sorted(want), self.agent and self.agent.name)
        self.came(len(want))
        if self.agent:
            with self.app.lock:
                self.app.seen[self.agent.name].update(wanted)

    def some(self):
        return self.rng.sample(self.agent.ids if self.agent else range(1, 301), self.rng.randint(1, 6))

    def select(self):
        ids = self.some()
        self.check(self.sql(COLUMNS + 'in %s', (tuple(ids),)), ids)

    def prepared(self):
        """PREPARE outlives transactions, and is decided for each anew."""
        if self.c not in PREPARED:
            self.sql('prepare q as ' + COLUMNS + '= $1')
            PREPARED.add(self.c)
        i = self.some()[0]
        self.check(self.sql('execute q (%s)', (i,)), [i])

    def cursor(self):
        ids = self.some()
        with self.c.cursor('k' + self.number) as k:
            k.itersize = 2
            k.execute(COLUMNS + 'in %s', (tuple(ids),))
            self.check([r for r in k], ids)

    def team(self):
        got = self.sql(WORK)
        equal(got, self.agent.work if self.agent else [], self.agent and self.agent.name)
        self.came(len(got))

    def who(self):
        equal(self.sql('show gatehouse.actor')[0][0], self.agent.name if self.agent else '')

    def atomic(self):
        """A block within a block speaks for somebody else, and fails."""
        mine = self.agent, self.case, self.purpose
        self.sql('savepoint s')
        self.say(self.rng.choice(self.app.everybody))
        self.select()
        if self.rng.random() < 0.5:
            self.fails('22012', 'select 1 / 0')
        self.sql('rollback to savepoint s')
        self.agent, self.case, self.purpose = mine
        self.who()
        self.sql('release savepoint s')

    def inner(self):
        """A block within a block that ends well: what it said holds on."""
        self.sql('savepoint t')
        self.say(self.rng.choice(self.app.everybody))
        self.team()
        self.sql('release savepoint t')

    def fails(self, code, text, args=None):
        try:
            self.sql(text, args)
        except psycopg2.Error as e:
            equal(e.pgcode, code, str(e))
            return
        raise AssertionError('no error of ' + text)

    def error(self):
        self.fails('22012', 'select 1 / 0')
        self.fails('25P02', 'set local gatehouse.token = %s', (self.app.everybody[0].token,))
        self.fails('25P02', COLUMNS + '= 1')
        if self.rng.random() < 0.5:
            self.c.commit()  # which rolls back
        else:
            self.c.rollback()
        self.agent = self.case = self.purpose = None
        self.nobody()

    def refused(self):
        """A token that does not hold, in the middle: nobody from there on."""
        bad = self.app.everybody[1].token
        self.fails('28000', 'set local gatehouse.token = %s', (bad[:-3] + ('AAA' if bad[-3:] != 'AAA' else 'BBB'),))
        self.c.rollback()
        self.agent = self.case = self.purpose = None
        self.nobody()
        self.select()

    def run(self):
        rng = self.rng
        if rng.random() < 0.3:
            self.nobody()
        if rng.random() < 0.2:  # Rails-like: for the whole session, taken back at its end
            return self.session()
        self.say(self.agent)
        for step in rng.choices([self.select, self.team, self.cursor, self.who, self.prepared, self.atomic, self.inner, self.error, self.refused],
                                [8, 4, 4, 3, 4, 2, 2, 1, 1], k=rng.randint(1, 5)):
            self.app.kinds[step.__name__] += 1
            step()
        how = rng.choice(['commit', 'rollback', 'dirty'])
        if how == 'commit':
            self.c.commit()
        elif how == 'rollback':
            self.c.rollback()

    def session(self):
        self.c.rollback()
        self.c.autocommit = True
        try:
            self.say(self.agent, local=False)
            for step in self.rng.choices([self.select, self.team, self.who, self.prepared], k=self.rng.randint(1, 4)):
                step()
            how = self.rng.choice(['reset all', 'discard all', 'one by one', 'driver'])
            if how == 'driver':
                self.c.autocommit = False
                self.c.reset()  # DISCARD ALL
                self.c.autocommit = True
                PREPARED.discard(self.c)
            elif how == 'one by one':
                for w in ('token', 'case', 'purpose'):
                    self.sql(self.rng.choice(['reset gatehouse.%s', 'set gatehouse.%s to default', "set gatehouse.%s = ''"]) % w)
            else:
                self.sql(how)
                if how == 'discard all':
                    PREPARED.discard(self.c)
            self.agent = self.case = self.purpose = None
            self.nobody()
            self.team()
        finally:
            self.c.autocommit = False


PREPARED = set()  # connections that have made theirs


def recorded(stand, log):
    """Every row that came is in the ledger under who asked, and for what."""
    got = collections.Counter()
    for e in stand.gate.entries(login='crm', kind='read'):
        if not e['actor'].startswith('ref'):
            got[e['actor'], e.get('case'), e.get('purpose')] += e.get('rows', 0)
    got, log = +got, +log
    equal({k: (got[k], log[k]) for k in got | log if got[k] != log[k]}, {}, 'rows in the ledger, rows that came')


def spent(stand, everybody, seen):
    """The budgets: what an agent saw is his, nothing else is."""
    for a in everybody:
        c = connect(stand, a.token)
        left = [i for i in a.ids if i not in seen[a.name]]
        for i in left + a.ids[:3]:
            equal(codes(c.ask(query(COLUMNS + '= %d' % i))), [], a.name)
        equal(codes(c.ask(query(COLUMNS + '= 301'))), ['53Z01'], a.name)
        c.close()


@test(gate=True, timeout=120)
def psycopg2_pool(env):
    seed = int(os.environ.get('GATEHOUSE_E2E_SEED', '4'))
    with stand_of(env, 'psycopg2') as stand:
        app = Application(stand, seed)
        threads = [threading.Thread(target=app.worker, args=(seed * 1000 + i, 200)) for i in range(8)]
        for t in threads:
            t.start()
        # Another key, then without the old one; reloads all the while.
        keys = os.path.join(stand.gate.folder, 'crm.jwks')
        second = token.Issuer(stand.folder, 'k2')
        for done in (100, 200):
            until(lambda: app.done >= done or app.faults, 60, 'transactions')
            stand.gate.hup()
        token.write_keys(keys, stand.issuer, second)
        probe = app.everybody[0].sign(second)
        c = connect(stand)
        until(lambda: not codes(c.ask(query("set gatehouse.token = '%s'" % probe))), 15, 'the second key')
        for a in app.everybody:
            a.old, a.token = a.token, a.sign(second)
        app.pause()
        second.write_keys(keys)
        until(lambda: codes(c.ask(query("set gatehouse.token = '%s'" % app.everybody[1].old))) == ['28000'], 15, 'the first key to go')
        app.go.set()
        until(lambda: app.done >= 1000 or app.faults, 60, 'transactions')
        stand.gate.hup()
        for t in threads:
            t.join()
        if app.faults:
            raise app.faults[0]
        app.pool.closeall()
        print(app.kinds)
        recorded(stand, app.log)
        spent(stand, app.everybody, app.seen)


# ---- other drivers ----

def spec(stand, everybody, count):
    """What the programs in other languages are told: a file."""
    path = os.path.join(stand.folder, 'agents.json')
    bad = everybody[0].token
    with open(path, 'w') as f:
        json.dump({'agents': [{'name': a.name, 'token': a.token, 'ids': a.ids, 'sees': a.sees, 'work': a.work} for a in everybody],
                   'hidden': HIDDEN, 'bad': bad[:-3] + ('AAA' if bad[-3:] != 'AAA' else 'BBB'), 'count': count}, f)
    return dict(stand.target.environ('anna'), E2E_USER='crm', E2E_PASSWORD=password('crm'), E2E_AGENTS=path, E2E_SEED=os.environ.get('GATEHOUSE_E2E_SEED', '4'))


def sane(stand, everybody):
    """Nothing was written down under a name, a team or an employer that is another's; nobody saw more than his 40."""
    known = {a.name: (a.org, a.team, [a.group]) for a in everybody}
    for e in stand.gate.entries(login='crm', kind='read'):
        if e['actor'] in known:
            equal((e['employer'], e['team'], e['groups']), known[e['actor']])
            equal(e.get('purpose') in (None, 'to be forgotten'), True)
        else:
            true(e['actor'] == 'crm' or e['actor'].startswith('ref'), e['actor'])
    spent(stand, everybody, collections.defaultdict(set))


@test(gate=True, timeout=150)
def node_pool(env):
    modules = test_node.modules(env)
    with stand_of(env, 'node') as stand:
        everybody = agents(stand, 40)
        env.program(['node', os.path.join(HERE, 'node', 'pool.js')], dict(spec(stand, everybody, 100), NODE_PATH=modules), timeout=60)
        sane(stand, everybody)


def lines(stand, everybody, count):
    """The same for who reads no JSON."""
    more = spec(stand, everybody, count)
    more['E2E_AGENTS'] += '.lines'
    with open(more['E2E_AGENTS'], 'w') as f:
        for a in everybody:
            print('agent', a.name, a.token, sep='\t', file=f)
            for i, row in a.sees.items():
                print('sees', i, *('\\N' if v is None else v for v in row), sep='\t', file=f)
            for i, note in a.work:
                print('work', '%d %s' % (i, note), sep='\t', file=f)
        print('bad', everybody[0].token[:-3] + 'AAA' if everybody[0].token[-3:] != 'AAA' else 'x.y.z', sep='\t', file=f)
        print('count', count, sep='\t', file=f)
    return more


@test(gate=True, timeout=160)
def jdbc_reuse(env):
    command = test_jdbc.command(env, 'Reuse')
    with stand_of(env, 'jdbc') as stand:
        everybody = agents(stand, 80)
        env.program(command, lines(stand, everybody, 600), timeout=90)
        sane(stand, everybody)


# ---- asyncpg; and as Rails does it: SET for the session, statements of its own under names, DISCARD ALL in between ----

FIND = 'select id, full_name, phone, email, account_id from customers where id = any($1::bigint[]) order by id'


class Async:
    def __init__(self, everybody, seed):
        self.everybody, self.rng, self.held = everybody, random.Random(seed), {}

    async def right(self, c, agent, find=None):
        ids = sorted(set(self.rng.choices(agent.ids if agent else range(1, 301), k=4)))
        got = await (find.fetch(ids) if find else c.fetch(FIND, ids))
        equal([tuple(r) for r in got], [(i,) + (agent.sees[i] if agent else HIDDEN) for i in ids], agent and agent.name)
        equal([tuple(r) for r in await c.fetch(WORK)], agent.work if agent else [], agent and agent.name)

    async def nobody(self, c):
        equal([await c.fetchval('show gatehouse.' + w) for w in ('actor', 'case', 'purpose')], ['', '', ''])

    async def transaction(self, c):
        agent, other = self.rng.choice(self.everybody), self.rng.choice(self.everybody)
        how = self.rng.choice(['commit', 'commit', 'error', 'thrown', 'cursor', 'nobody'])
        try:
            async with c.transaction():
                if how == 'nobody':
                    return await self.right(c, None)
                await c.execute("set local gatehouse.token = '%s'" % agent.token)
                await self.right(c, agent)
                try:
                    async with c.transaction():  # a savepoint
                        await c.execute("set gatehouse.token = '%s'; " % other.token)
                        await self.right(c, other)
                        raise KeyError
                except KeyError:
                    await self.right(c, agent)
                if how == 'cursor':
                    equal([tuple(r) async for r in c.cursor(WORK, prefetch=3)], agent.work)
                if how == 'error':
                    await c.execute('select 1 / 0')
                if how == 'thrown':
                    raise KeyError
        except (KeyError, asyncpg.DivisionByZeroError):
            pass
        await self.nobody(c)

    async def session(self, c):
        """The pool resets what is left when the connection comes back (asyncpg's own text)."""
        agent = self.rng.choice(self.everybody)
        await c.execute("set gatehouse.token = '%s'" % agent.token)
        await c.execute("set gatehouse.purpose = 'to be forgotten'")
        await self.right(c, agent)

    async def rails(self, c):
        """The connection is one of four that are never reset by a pool. held: its prepared statement, which outlives the people who use it."""
        agent = self.rng.choice(self.everybody)
        await self.nobody(c)
        if c not in self.held:
            self.held[c] = await c.prepare(FIND, name='a1')
        await c.execute("set gatehouse.token = '%s'" % agent.token)
        await self.right(c, agent, self.held[c])
        if self.rng.random() < 0.5:
            await c.execute('begin')
            await self.right(c, agent, self.held[c])
            await c.execute(self.rng.choice(['commit', 'rollback']))
        if self.rng.random() < 0.3:
            try:
                await self.held[c].fetch(['no number'])
            except (asyncpg.DataError, asyncpg.PostgresError):
                pass
        if self.rng.random() < 0.4:
            await c.execute('discard all')
            self.held.pop(c)
            await c.reload_schema_state()  # forgets the statements that the driver keeps
        else:
            await c.execute(self.rng.choice(['reset all', 'reset gatehouse.token']))
        await self.right(c, None)


@test(gate=True)
def asyncpg_pool(env):
    async def body(stand, everybody):
        more = dict(host=stand.target.sockdir, port=stand.target.port, user='crm', password=password('crm'), database='shop')
        use = Async(everybody, 120)
        pool = await asyncpg.create_pool(min_size=4, max_size=4, **more)

        async def work(kind, n):
            for _ in range(n):
                async with pool.acquire() as c:
                    await kind(c)
        await asyncio.gather(*[work(use.transaction, 60) for _ in range(6)], *[work(use.session, 30) for _ in range(2)])
        await pool.close()
        four = asyncio.Queue()
        for _ in range(4):
            four.put_nowait(await asyncpg.connect(**more))

        async def rails(n):
            for _ in range(n):
                c = await four.get()
                await use.rails(c)
                four.put_nowait(c)
        await asyncio.gather(*[rails(40) for _ in range(6)])
        while not four.empty():
            await four.get_nowait().close()

    with stand_of(env, 'asyncpg') as stand:
        everybody = agents(stand, 120)
        asyncio.run(body(stand, everybody))
        sane(stand, everybody)


# ---- what OPERATIONS.md shows ----

def shown(language):
    with open(os.path.join(HERE, '..', '..', 'docs', 'OPERATIONS.md')) as f:
        section = f.read().split('\n## Applications that speak for people\n')[1].split('\n## ')[0]
    return re.search('```%s\\n(.*?)```' % language, section, re.S).group(1)


@test(gate=True)
def documented(env):
    """The examples are pieces of the programs above; the one for Django runs on what Django's names mean."""
    for language, path in (('js', 'node/pool.js'), ('java', 'jdbc/Reuse.java')):
        with open(os.path.join(HERE, path)) as f:
            code = f.read().split('// doc: ')[1].split('\n', 1)[1].split('// end')[0]
        equal(shown(language), textwrap.dedent(code.rstrip(' ')), path)
    with stand_of(env, 'documented') as stand:
        everybody = agents(stand, 160, n=4)
        c = psycopg2.connect(stand.dsn('crm'))
        c.autocommit = True

        @contextlib.contextmanager
        def atomic():
            c.autocommit = False
            try:
                yield
                c.commit()
            except BaseException:
                c.rollback()
                raise
            finally:
                c.autocommit = True

        db = types.ModuleType('django.db')
        db.connection, db.transaction = types.SimpleNamespace(cursor=c.cursor), types.SimpleNamespace(atomic=atomic)
        with unittest.mock.patch.dict(sys.modules, {'django': types.ModuleType('django'), 'django.db': db}):
            names = {}
            exec(shown('python'), names)

        def view(request):
            with c.cursor() as k:
                k.execute(WORK)
                if request.fails:
                    raise KeyError
                return k.fetchall()

        middleware = names['SpeaksForUser'](view)
        for a in everybody * 3:
            equal(middleware(types.SimpleNamespace(session={'database_token': a.token}, fails=False)), a.work)
            try:
                middleware(types.SimpleNamespace(session={'database_token': a.token}, fails=True))
                true(False, 'no error')
            except KeyError:
                pass
            equal(view(types.SimpleNamespace(fails=False)), [])
