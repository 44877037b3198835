"""psycopg2 (libpq)."""
import datetime
import decimal
import io
import select
import threading
import time
import uuid

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from lib.env import asleep, equal, test, true


def connect(env, user='anna', unix=False, **more):
    return psycopg2.connect(env.target.dsn(user, unix=unix, connect_timeout=10, **more))


def one(connection, sql, args=None):
    with connection.cursor() as c:
        c.execute(sql, args)
        return c.fetchone()


@test()
def types(env):
    with connect(env) as c:
        psycopg2.extras.register_uuid(conn_or_curs=c)
        now = datetime.datetime(2024, 2, 29, 13, 14, 15, 161718, datetime.timezone.utc)
        values = (1, -2 ** 62, decimal.Decimal('-12345.678900'), 1.5e300, float('inf'), 'Zoë \'quoted\' \\ 张伟', True, None,
                  datetime.date(2000, 1, 1), now, datetime.timedelta(days=3, seconds=5), [1, None, 3], ['a', 'b"c', None],
                  uuid.UUID('12345678-1234-5678-1234-567812345678'), psycopg2.extras.Json({'a': [1, {'b': None}]}))
        casts = ('int4', 'int8', 'numeric', 'float8', 'float8', 'text', 'bool', 'text', 'date', 'timestamptz', 'interval', 'int4[]',
                 'text[]', 'uuid', 'jsonb')
        got = one(c, 'select ' + ', '.join('%s::' + t for t in casts), values)
        want = values[:-1] + ({'a': [1, {'b': None}]},)
        equal(got, want)
        blob = bytes(range(256)) * 3
        equal(bytes(one(c, 'select %s::bytea', (psycopg2.Binary(blob),))[0]), blob)


@test()
def unix_socket(env):
    with connect(env, unix=True) as c:
        equal(one(c, 'select current_user::text, 1'), ('anna', 1))


@test()
def named_cursor(env):
    with connect(env) as c:
        with c.cursor('scan') as cur:
            cur.itersize = 100
            cur.execute('select id from customers order by id')
            equal([r[0] for r in cur], list(range(1, 2001)))
        with c.cursor('rolling', scrollable=True) as cur:
            cur.execute('select id from products order by id')
            cur.scroll(10)
            equal(cur.fetchone(), (11,))
            cur.scroll(-5)
            equal(cur.fetchmany(2), [(7,), (8,)])
        with c.cursor('held', withhold=True) as cur:
            cur.execute('select id from products order by id')
            equal(cur.fetchone(), (1,))
            c.commit()
            equal(cur.fetchone(), (2,))


@test()
def prepared(env):
    with connect(env) as c, c.cursor() as cur:
        cur.execute('prepare find(bigint) as select full_name, phone from customers where id = $1')
        for i in range(1, 50):
            cur.execute('execute find(%s)', (i,))
            equal(cur.fetchone()[1], '138%08d' % i)
        cur.execute('deallocate find')


@test()
def copy_expert(env):
    with connect(env) as c, c.cursor() as cur:
        out = io.StringIO()
        cur.copy_expert('copy (select id, title from products order by id) to stdout', out)
        equal(len(out.getvalue().splitlines()), 500)
        for form in ('text', 'csv', 'csv, header', 'binary'):
            data = io.BytesIO()
            cur.copy_expert('copy products to stdout (format %s)' % form, data)
            cur.execute('create temp table back (like products)')
            data.seek(0)
            cur.copy_expert('copy back from stdin (format %s)' % form, data)
            equal(cur.rowcount, 500)
            cur.execute('select count(*) from (select * from back except select * from products) x')
            equal(cur.fetchone(), (0,))
            cur.execute('drop table back')


@test()
def copy_broken_input(env):
    with connect(env) as c, c.cursor() as cur:
        cur.execute('create temp table t (a int)')
        c.commit()
        try:
            cur.copy_expert('copy t from stdin', io.StringIO('1\n2\nx\n'))
            true(False, 'COPY of rubbish worked')
        except psycopg2.DataError as e:
            equal(e.pgcode, '22P02')
        c.rollback()

        class Broken(io.StringIO):
            def read(self, n=-1):
                raise ValueError('no more')
        try:
            cur.copy_expert('copy t from stdin', Broken())
            true(False, 'COPY from a broken file worked')
        except psycopg2.Error as e:
            true('no more' in str(e), str(e))
        except ValueError:
            pass
        c.rollback()
        equal(one(c, 'select count(*) from t'), (0,))


@test()
def large_object(env):
    with connect(env) as c:
        data = bytes(range(256)) * 4096
        lob = c.lobject(0, 'wb')
        lob.write(data)
        lob.close()
        lob = c.lobject(lob.oid, 'rb')
        lob.seek(1000)
        equal(lob.read(10), data[1000:1010])
        lob.seek(0)
        equal(lob.read(), data)
        equal(lob.tell(), len(data))
        lob.close()
        lob = c.lobject(lob.oid, 'rw')
        lob.truncate(10)
        lob.unlink()
        c.commit()


@test()
def notifies(env):
    a, b = connect(env), connect(env, 'bo')  # not `with`: it opens a transaction even in autocommit
    for c in (a, b):
        c.autocommit = True
    with a.cursor() as cur:
        cur.execute('listen wake')
    with b.cursor() as cur:
        cur.execute("notify wake, 'one'; notify wake, 'two'")
    got = []
    while len(got) < 2:
        true(select.select([a], [], [], 10)[0], 'no notification in 10 s')
        a.poll()
        got += [(n.channel, n.payload) for n in a.notifies]
        a.notifies.clear()
    equal(got, [('wake', 'one'), ('wake', 'two')])


@test()
def asynchronous(env):
    c = psycopg2.connect(env.target.dsn(), async_=True)

    def wait():
        while True:
            state = c.poll()
            if state == psycopg2.extensions.POLL_OK:
                return
            if state == psycopg2.extensions.POLL_READ:
                select.select([c], [], [], 10)
            else:
                select.select([], [c], [], 10)
    wait()
    cur = c.cursor()
    cur.execute('select pg_sleep(0.1), id from products order by id limit 3')
    wait()
    equal([r[1] for r in cur.fetchall()], [1, 2, 3])
    c.close()


@test()
def cancel(env):
    for unix in (False, True):
        c = connect(env, unix=unix)
        other = connect(env, unix=unix)
        pid = one(c, 'select pg_backend_pid()')[0]
        c.rollback()

        def cancel_it(c=c, pid=pid):
            asleep(env.cluster, pid)
            c.cancel()
        threading.Thread(target=cancel_it).start()
        start = time.monotonic()
        try:
            one(c, 'select pg_sleep(20)')
            true(False, 'not cancelled')
        except psycopg2.extensions.QueryCanceledError as e:
            equal(e.pgcode, '57014')
        true(time.monotonic() - start < 10, 'cancel took too long')
        c.rollback()
        equal(one(c, 'select 1'), (1,))
        equal(one(other, 'select 1'), (1,))


@test()
def errors(env):
    with connect(env) as c:
        for sql, code in (('select 1/0', '22012'), ('selec', '42601'), ('select * from nowhere', '42P01'), ("select 'x'::int", '22P02'),
                          ('insert into orders values (1, 1, 1, null, now())', '42501')):
            try:
                one(c, sql)
                true(False, sql + ' worked')
            except psycopg2.Error as e:
                equal(e.pgcode, code, sql)
            try:
                one(c, 'select 1')
                true(False, 'a failed transaction went on')
            except psycopg2.Error as e:
                equal(e.pgcode, '25P02')
            c.rollback()
        equal(one(c, 'select 1'), (1,))


@test()
def executemany(env):
    with connect(env) as c, c.cursor() as cur:
        cur.execute('create temp table many (a int primary key, b text)')
        cur.executemany('insert into many values (%s, %s)', [(i, str(i)) for i in range(300)])
        psycopg2.extras.execute_values(cur, 'insert into many values %s', [(i, None) for i in range(1000, 3000)])
        psycopg2.extras.execute_batch(cur, 'update many set b = %s where a = %s', [('u', i) for i in range(200)])
        equal(one(c, "select count(*), count(b), count(*) filter (where b = 'u') from many"), (2300, 300, 200))
        c.commit()
        try:
            psycopg2.extras.execute_batch(cur, 'insert into many values (%s, null)', [(5000,), (1,), (5001,)])
            true(False, 'a duplicate key was taken')
        except psycopg2.errors.UniqueViolation:
            c.rollback()
        equal(one(c, 'select count(*) from many where a >= 5000'), (0,))


@test()
def megabyte(env):
    with connect(env) as c:
        text = 'ä' * (1 << 20)
        equal(one(c, 'select %s', (text,))[0], text)
        blob = bytes(1 << 20)
        equal(one(c, 'select %s, 7', (psycopg2.Binary(blob),))[1], 7)


@test()
def notices_and_parameters(env):
    with connect(env, options='-c timezone=Asia/Tokyo', client_encoding='LATIN1') as c:
        equal(c.encoding, 'LATIN1')
        equal(c.get_parameter_status('TimeZone'), 'Asia/Tokyo')
        equal(one(c, "select 'é'")[0], 'é')
        with c.cursor() as cur:
            cur.execute("set timezone to 'Europe/Berlin'; set client_encoding to 'UTF8'")
            equal(c.get_parameter_status('TimeZone'), 'Europe/Berlin')
            equal(c.get_parameter_status('server_version')[:2], '15')
            equal(c.get_parameter_status('is_superuser'), 'off')
            equal(c.get_parameter_status('session_authorization'), 'anna')
            cur.execute("do $$ begin raise notice 'one %', 1; raise warning 'two'; end $$")
            equal([n.split()[0] for n in c.notices], ['NOTICE:', 'WARNING:'])


@test()
def two_phase(env):
    with connect(env) as c:
        xid = c.xid(1, 'gate', 'e2e')
        c.tpc_begin(xid)
        one(c, 'select 1')
        c.tpc_prepare()
        c.tpc_rollback()


@test()
def wrong_password(env):
    for unix in (False, True):
        try:
            connect(env, password='nonsense', unix=unix)
            true(False, 'logged in with a wrong password')
        except psycopg2.OperationalError as e:
            true('password authentication failed for user "anna"' in str(e), str(e))


@test()
def wrong_database(env):
    try:
        psycopg2.connect(env.target.dsn(dbname='elsewhere'))
        true(False, 'connected to a database that is not there')
    except psycopg2.OperationalError as e:
        true('elsewhere' in str(e), str(e))


@test(timeout=120)
def thousand_connections(env):
    for i in range(1000):
        c = connect(env, unix=i % 2 == 1, user=('anna', 'bo')[i // 2 % 2])
        equal(one(c, 'select %s', (i,)), (i,))
        c.close()
