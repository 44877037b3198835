"""Drivers and programs in enforced sessions. anna sees everything (group inside): for her what the drivers' own tests do must go on working, as far as it is allowed
at all; bo gets masked values."""
import asyncio
import os
import traceback

import asyncpg
import psycopg2
import psycopg2.extras

import test_asyncpg
import test_dbdpg
import test_jdbc
import test_node
import test_pgbench
import test_psycopg2
from lib.env import PASSWORDS, equal, test, true
from test_psql import psql

HERE = os.path.dirname(os.path.abspath(__file__))


def as_ever(env, module, names):
    env.target = env.enforced
    for name in names:
        try:
            getattr(module, name)(env)
            env.sub(name, True)
        except BaseException as e:
            traceback.print_exc()
            env.sub(name, False, ' '.join(str(e).split())[:300])


@test(gate=True)
def with_psycopg2(env):
    as_ever(env, test_psycopg2, ('types', 'prepared', 'errors'))


@test(gate=True)
def with_asyncpg(env):
    as_ever(env, test_asyncpg, ('types', 'cursors', 'errors', 'megabyte', 'pool'))


@test(gate=True)
def with_pgbench(env):
    as_ever(env, test_pgbench, ('prepared', 'pipeline', 'own_script'))


@test(gate=True, timeout=150)
def with_node(env):
    env.program(['node', os.path.join(HERE, 'node', 'drive.js')], env.enforced.environ('anna', NODE_PATH=test_node.modules(env), E2E_CHECKS='types binary prepared cursor megabyte wrong_password pool'), timeout=60)


@test(gate=True, timeout=160)
def with_jdbc(env):
    env.program(test_jdbc.command(env), env.enforced.environ('anna', E2E_CHECKS='types_binary prepared query_modes fetch_size scrollable batches_into_a_table errors megabyte metadata wrong_password'), timeout=60)


@test(gate=True)
def with_dbdpg(env):
    env.program(['perl', os.path.join(HERE, 'perl', 'drive.pl')], env.enforced.environ('anna', E2E_CHECKS='types prepared cursor megabyte wrong_password'))


@test(gate=True)
def masked_psql(env):
    env.target = env.enforced
    for command in ('\\d', '\\d customers', '\\dt', '\\dv', '\\df', '\\du', '\\l', '\\dn', '\\sv v_customer', '\\dp', '\\di', '\\dx'):
        true(len(psql(env, '-c', command, user='bo').stdout) > 20, command)
    equal(psql(env, '-c', 'select id, phone from customers where id = 8', user='bo').stdout, '8|*******0008\n')
    equal(psql(env, '-c', '\\copy (select id, phone from customers where id < 3 order by id) to stdout csv', user='bo').stdout, '1,*******0001\n2,*******0002\n')
    equal(psql(env, '-v', 'FETCH_COUNT=2', '-c', 'select id, phone from customers where id < 6 order by id', user='bo').stdout.count('*******000'), 5)
    done = psql(env, '-c', '\\copy scratch from /dev/null', user='bo', check=False)
    true(done.returncode == 1 and 'COPY' in done.stderr and 'not accepted' in done.stderr, done.stderr)
    done = psql(env, '-c', 'select upper(phone) from customers', user='bo', check=False)
    true('phone of public.customers' in done.stderr and 'HINT' in done.stderr and 'policy.gate:' in done.stderr, done.stderr)


@test(gate=True)
def masked_psycopg2(env):
    c = psycopg2.connect(env.enforced.dsn('bo'))
    with c.cursor('named') as k:
        k.itersize = 7
        k.execute('select id, phone from customers where id <= 40 order by id')
        equal([r[1] for r in k], ['*******%04d' % i for i in range(1, 41)])
    c.commit()
    with c.cursor() as k:
        try:
            k.execute('select phone from customers order by phone')
            true(False, 'not refused')
        except psycopg2.errors.InsufficientPrivilege as e:
            true(e.diag.message_hint and 'ORDER BY' in e.diag.message_primary and e.pgcode == '42501', e)
        c.rollback()
        psycopg2.extras.execute_values(k, 'insert into scratch (id, t) values %s', [(8000 + i, 'values') for i in range(250)], page_size=100)
        k.execute("select count(*) from scratch where t = 'values'")
        equal(k.fetchone(), (250,))
        c.rollback()
        psycopg2.extras.execute_batch(k, 'select id from products where id = %s', [(1,)], page_size=1)
        try:
            psycopg2.extras.execute_batch(k, 'select id from products where id = %s', [(1,), (2,)])  # one text of two statements
            true(False, 'not refused')
        except psycopg2.errors.FeatureNotSupported as e:
            true('one statement' in e.diag.message_hint, e)
        c.rollback()
        k.execute('select amount, ordered_at, created_at from orders o join customers c on c.id = o.customer_id where o.id = 1')
        equal([type(v).__name__ for v in k.fetchone()], ['Decimal', 'datetime', 'datetime'])
    c.close()


@test(gate=True)
def masked_asyncpg(env):
    async def body():
        more = dict(host=env.enforced.sockdir, port=env.enforced.port, user='bo', password=PASSWORDS['bo'], database='shop')
        c = await asyncpg.connect(**more)
        equal([tuple(r) for r in await c.fetch('select id, phone, mobile from customers where id = any($1::bigint[]) order by id', [1, 3])], [(1, '*******0001', '***'), (3, '*******0003', None)])
        async with c.transaction():
            equal([r['phone'] async for r in c.cursor('select phone from customers where id < $1 order by id', 30, prefetch=9)], ['*******%04d' % i for i in range(1, 30)])
        t = c.transaction()
        await t.start()
        await c.executemany('insert into scratch (id, t) values ($1, $2)', [(9000 + i, 'many') for i in range(200)])
        equal(await c.fetchval("select count(*) from scratch where t = 'many'"), 200)
        await t.rollback()
        equal(await c.fetchval("select 'x'::citext"), 'x')  # a type that the driver asks the catalogue about
        await c.close()
        pool = await asyncpg.create_pool(min_size=2, max_size=3, **more)

        async def work(i):
            async with pool.acquire() as p:
                return await p.fetchval('select phone from customers where id = $1', i)
        equal(await asyncio.gather(*[work(i) for i in range(1, 60)]), ['*******%04d' % i for i in range(1, 60)])
        await pool.close()
    asyncio.run(body())
