"""asyncpg: binary formats throughout, its own protocol implementation."""
import asyncio
import datetime
import decimal
import ipaddress
import uuid

import asyncpg
from lib.env import PASSWORDS, asleep, equal, test, true


async def connect(env, user='anna', unix=False, **more):
    more = {'database': env.target.database, 'user': user, 'password': PASSWORDS[user], 'port': env.target.port, 'timeout': 15, **more}
    if unix:
        return await asyncpg.connect(host=env.target.sockdir, **more)
    return await asyncpg.connect(host='127.0.0.1', ssl=env.target.tls(), **more)


def run(env, body, **more):
    async def whole():
        c = await connect(env, **more)
        try:
            await body(c)
        finally:
            await c.close(timeout=10)
    asyncio.run(whole())


@test()
def types(env):
    async def body(c):
        utc = datetime.timezone.utc
        values = [('int2', -7), ('int4', 1 << 30), ('int8', -2 ** 63), ('float4', 0.5), ('float8', 1e-300), ('numeric', decimal.Decimal('1e-20')),
                  ('numeric', decimal.Decimal('-98765432109876543210.5')), ('bool', True), ('text', 'Zoë 张伟'), ('varchar', ''), ('bytea', bytes(range(256))),
                  ('date', datetime.date(1999, 12, 31)), ('time', datetime.time(1, 2, 3, 4)), ('timestamp', datetime.datetime(2020, 1, 2, 3, 4, 5)),
                  ('timestamptz', datetime.datetime(2020, 1, 2, tzinfo=utc)), ('interval', datetime.timedelta(days=2, seconds=9)),
                  ('uuid', uuid.UUID(int=5)), ('json', '{"a": 1}'), ('jsonb', '{"a": [1, null]}'), ('inet', ipaddress.ip_interface('10.1.2.3/8')),
                  ('cidr', ipaddress.ip_network('10.0.0.0/8')), ('int4[]', [1, None, 3]), ('text[]', [['a', 'b'], ['c', None]]),
                  ('int4range', asyncpg.Range(1, 10)), ('point', asyncpg.Point(1.5, 2)), ('bit', asyncpg.BitString('1')), ('oid', 4000000000),
                  ('"char"', b'x'), ('name', 'n')]
        for kind, value in values:
            equal(await c.fetchval('select $1::' + kind, value), value, kind)
            equal(await c.fetchval('select $1::' + kind, None), None, kind)
        row = await c.fetchrow("select row(1, 'a', null)::record, array[row(1, 2)]")
        equal((tuple(row[0]), tuple(row[1][0])), ((1, 'a', None), (1, 2)))
    run(env, body)


@test()
def unix_socket(env):
    async def body(c):
        equal(await c.fetchval('select current_user'), 'anna')
    run(env, body, unix=True)


@test()
def prepared(env):
    async def body(c):
        s = await c.prepare('select id, full_name, phone from customers where id = $1')
        equal([str(a.type.name) for a in s.get_attributes()], ['int8', 'text', 'varchar'])
        for i in range(1, 60):
            row = await s.fetchrow(i)
            equal((row[0], row[2]), (i, '138%08d' % i))
        equal(await s.fetch(-1), [])
        others = [await c.prepare('select %d, $1::text' % i) for i in range(150)]
        for i in (149, 3, 77):
            equal(tuple(await others[i].fetchrow('x')), (i, 'x'))
        equal((await s.fetchrow(5))[0], 5)
        await c.execute('create temp table changing (a int)')
        await c.execute('insert into changing values (1)')
        equal(len(await c.fetch('select * from changing')), 1)
        await c.execute('alter table changing add b text')
        equal(tuple(await c.fetchrow('select * from changing')), (1, None))
    run(env, body)


@test()
def cursors(env):
    async def body(c):
        async with c.transaction():
            seen = []
            async for row in c.cursor('select id from customers order by id', prefetch=77):
                seen.append(row[0])
            equal(seen, list(range(1, 2001)))
            cur = await c.cursor('select id from products where id > $1 order by id', 10)
            equal([r[0] for r in await cur.fetch(3)], [11, 12, 13])
            await cur.forward(5)
            equal((await cur.fetchrow())[0], 19)
    run(env, body)


@test()
def copy_records(env):
    async def body(c):
        await c.execute('create temp table target (a int, b text, c numeric, d timestamptz, e bytea)')
        when = datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)
        rows = [(i, None if i % 5 == 0 else 'text %d' % i, decimal.Decimal(i) / 4, when, bytes([i % 256]) * (i % 50)) for i in range(5000)]
        equal(await c.copy_records_to_table('target', records=rows), 'COPY 5000')
        equal([tuple(r) for r in await c.fetch('select * from target order by a')], rows)
        chunks = []

        async def sink(data):
            chunks.append(data)
        for form in ('text', 'csv', 'binary'):
            chunks.clear()
            equal(await c.copy_from_query('select a, b, c from target where a < $1', 1000, output=sink, format=form), 'COPY 1000')
            true(sum(map(len, chunks)) > 10000, 'little came')
            chunks.clear()
            equal(await c.copy_from_table('target', output=sink, columns=('a', 'b'), format=form), 'COPY 5000')

            async def source():
                for chunk in list(chunks):
                    yield chunk
            await c.execute('create temp table again (a int, b text)')
            equal(await c.copy_to_table('again', source=source(), format=form), 'COPY 5000')
            equal(await c.fetchval('select count(*) from (table again except select a, b from target) x'), 0)
            await c.execute('drop table again')
        try:
            await c.copy_records_to_table('target', records=[(1, 'x', None, None, None), ('no number', 'x', None, None, None)])
            true(False, 'rubbish was copied')
        except (asyncpg.PostgresError, TypeError, asyncpg.DataError):
            pass
        equal(await c.fetchval('select count(*) from target'), 5000)
    run(env, body)


@test()
def executemany(env):
    async def body(c):
        await c.execute('create temp table t (a int primary key, b text)')
        await c.executemany('insert into t values ($1, $2)', [(i, str(i)) for i in range(3000)])
        equal(await c.fetchval('select count(*) from t'), 3000)
        try:
            await c.executemany('insert into t values ($1, $2)', [(5000, 'x'), (17, 'twice'), (5001, 'y')])
            true(False, 'a duplicate key was taken')
        except asyncpg.UniqueViolationError:
            pass
        equal(await c.fetchval('select count(*) from t'), 3000)
    run(env, body)


@test()
def cancel_on_timeout(env):
    for unix in (False, True):
        async def body(c):
            try:
                await c.fetch('select pg_sleep(20)', timeout=1)
                true(False, 'not cancelled')
            except asyncio.TimeoutError:
                pass
            equal(await asyncio.wait_for(c.fetchval('select 5'), 10), 5)
            pid = await c.fetchval('select pg_backend_pid()')
            task = asyncio.ensure_future(c.fetch('select pg_sleep(20)'))
            await asyncio.get_running_loop().run_in_executor(None, asleep, env.cluster, pid)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            equal(await asyncio.wait_for(c.fetchval('select 6'), 10), 6)
        run(env, body, unix=unix)


@test()
def listeners(env):
    async def body(c):
        other = await connect(env, 'bo')
        got = asyncio.Queue()
        await c.add_listener('ring', lambda connection, pid, channel, payload: got.put_nowait((channel, payload, pid)))
        for i in range(3):
            await other.execute("select pg_notify('ring', $1)", str(i))
        values = [await asyncio.wait_for(got.get(), 10) for _ in range(3)]
        equal([v[:2] for v in values], [('ring', '0'), ('ring', '1'), ('ring', '2')])
        await c.execute("notify ring, 'self'")
        equal((await asyncio.wait_for(got.get(), 10))[1], 'self')
        await c.reset()
        await other.close()
    run(env, body)


@test()
def errors(env):
    async def body(c):
        for sql, kind in (('select 1/0', asyncpg.DivisionByZeroError), ('selec', asyncpg.PostgresSyntaxError),
                          ('select * from nowhere', asyncpg.UndefinedTableError), ('delete from orders', asyncpg.InsufficientPrivilegeError)):
            for call in (c.execute, c.fetch):
                try:
                    await call(sql)
                    true(False, sql + ' worked')
                except kind:
                    pass
        try:
            await c.fetch('select 1000 / (5 - id) from products where id < $1 order by id', 100)
            true(False, 'worked')
        except asyncpg.DivisionByZeroError:
            pass
        async with c.transaction():
            try:
                async with c.transaction():
                    await c.execute('select 1/0')
            except asyncpg.DivisionByZeroError:
                pass
            equal(await c.fetchval('select 1'), 1)
    run(env, body)


@test()
def log_messages(env):
    async def body(c):
        got = []
        c.add_log_listener(lambda connection, m: got.append((m.severity, m.message)))
        await c.execute("do $$ begin raise notice 'n %', 1; raise warning 'w'; end $$")
        await asyncio.sleep(0.05)
        equal(got, [('NOTICE', 'n 1'), ('WARNING', 'w')])
        equal(c.get_server_version()[0], 15)
        settings = c.get_settings()
        equal((settings.client_encoding, settings.application_name), ('UTF8', 'asyncpg-e2e'))
        await c.execute("set application_name = 'other'")
        equal(c.get_settings().application_name, 'other')
    run(env, body, server_settings={'application_name': 'asyncpg-e2e'})


@test()
def megabyte(env):
    async def body(c):
        text, blob = 'x' * (1 << 20), bytes(1 << 20)
        equal(await c.fetchval('select $1::text', text), text)
        equal(await c.fetchval('select $1::bytea', blob), blob)
        equal(await c.fetchval('select length($1::bytea)', bytes(20 << 20)), 20 << 20)
    run(env, body)


@test()
def multi_statement(env):
    async def body(c):
        equal(await c.execute('select 1; create temp table m (a int); insert into m values (1), (2)'), 'INSERT 0 2')
        equal(await c.fetchval('select count(*) from m'), 2)
        try:
            await c.execute('insert into m values (3); select 1/0; insert into m values (4)')
            true(False, 'worked')
        except asyncpg.DivisionByZeroError:
            pass
        equal(await c.fetchval('select count(*) from m'), 2)
    run(env, body)


@test()
def wrong_password(env):
    async def body():
        for unix in (False, True):
            try:
                await connect(env, unix=unix, password='wrong')
                true(False, 'logged in with a wrong password')
            except asyncpg.InvalidPasswordError as e:
                true('password authentication failed for user "anna"' in str(e), str(e))
    asyncio.run(body())


@test()
def pool(env):
    async def body():
        p = await asyncpg.create_pool(host='127.0.0.1', port=env.target.port, user='bo', password=PASSWORDS['bo'], database=env.target.database,
                                      ssl=env.target.tls(), min_size=4, max_size=16)

        async def work(i):
            async with p.acquire() as c:
                return await c.fetchval('select $1::int + 1', i)
        equal(await asyncio.gather(*[work(i) for i in range(400)]), list(range(1, 401)))
        await p.close()
    asyncio.run(body())


@test(timeout=120)
def thousand_connections(env):
    async def body():
        gate = asyncio.Semaphore(8)

        async def work(i):
            async with gate:
                c = await connect(env, unix=i % 2 == 1)
                equal(await c.fetchval('select $1::int', i), i)
                await c.close()
        await asyncio.gather(*[work(i) for i in range(1000)])
    asyncio.run(body())
