"""psql: its own queries, COPY, several statements in a string, TLS checks, passwords."""
import os

from lib.cluster import bindir
from lib.env import equal, test, true

PSQL = [os.path.join(bindir(), 'psql'), '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1']


def psql(env, *args, user='anna', unix=False, check=True, **more):
    return env.run(PSQL + list(args), env=env.target.pgenv(user, unix, **more), check=check)


@test()
def tls_and_scram(env):
    out = psql(env, '-c', '\\conninfo', '-c', 'select 40 + 2').stdout
    true('SSL connection' in out and '42' in out, out)


@test()
def unix_socket(env):
    equal(psql(env, '-c', 'select current_user', unix=True).stdout, 'anna\n')


@test()
def without_tls(env):
    equal(psql(env, '-c', 'select 1', PGSSLMODE='disable', PGCHANNELBINDING='disable').stdout, '1\n')


@test()
def password_not_ascii(env):
    equal(psql(env, '-c', 'select current_user', user='zhao').stdout, 'zhao\n')


@test()
def wrong_password(env):
    done = psql(env, '-c', 'select 1', check=False, PGPASSWORD='wrong')
    equal(done.returncode, 2)
    true('password authentication failed for user "anna"' in done.stderr, done.stderr)


@test()
def unknown_user(env):
    done = psql(env, '-c', 'select 1', check=False, PGUSER='nobody_here')
    equal(done.returncode, 2)
    true('password authentication failed for user "nobody_here"' in done.stderr, done.stderr)


@test()
def role_without_password(env):
    done = psql(env, '-c', 'select 1', check=False, PGUSER='nopass', PGPASSWORD='x')
    equal(done.returncode, 2)
    true('password authentication failed' in done.stderr, done.stderr)


@test()
def wrong_ca(env):
    """verify-full against another authority must fail: the test would notice a client that checks nothing."""
    from lib.tls import Authority
    other = Authority(os.path.join(env.folder, 'other-ca'))
    done = psql(env, '-c', 'select 1', check=False, PGSSLROOTCERT=other.cert)
    true(done.returncode == 2 and 'certificate verify failed' in done.stderr, done.stderr)


@test()
def backslash_d(env):
    for command in ('\\d', '\\d customers', '\\d+ orders', '\\dt', '\\dv', '\\df gatehouse.*', '\\du', '\\l', '\\dn+', '\\dx',
                    '\\d visits', '\\sf gatehouse.get_auth', '\\dp customers', '\\dT', '\\di+'):
        true(psql(env, '-c', command, user='dba').stdout, command + ' printed nothing')


@test()
def copy_both_ways(env):
    path = os.path.join(env.folder, 'psql-copy.csv')
    psql(env, '-c', '\\copy (select id, title, price from products order by id) to %s csv header' % path)
    with open(path) as f:
        lines = f.read().splitlines()
    equal((len(lines), lines[0], lines[1]), (501, 'id,title,price', '1,product 1,3.50'))
    out = psql(env, '-c', 'create temp table p (like products)', '-c', '\\copy p from %s csv header' % path,
               '-c', 'select count(*), sum(price) from p').stdout
    true('COPY 500' in out and '500|438375.00' in out, out)


@test()
def copy_from_stdin_fails_in_the_middle(env):
    done = env.run(PSQL + ['-f', '-'], env=env.target.pgenv(), check=False,
                   input="create temp table p (a int);\ncopy p from stdin;\n1\n2\nthree\n\\.\n")
    true(done.returncode == 3 and 'invalid input syntax for type integer: "three"' in done.stderr, done.stderr)


@test()
def many_statements(env):
    out = psql(env, '-c', "select 1; select 'two'; create temp table x as select 3 a; select a from x").stdout
    equal(out, '1\ntwo\nSELECT 1\n3\n')
    done = psql(env, '-c', 'begin; select 1; select 1/0; select 2', check=False)
    true(done.returncode == 1 and 'division by zero' in done.stderr and '2' not in done.stdout, done.stderr)


@test()
def cursor_fetch_count(env):
    out = psql(env, '-v', 'FETCH_COUNT=100', '-c', 'select id from products order by id', unix=True).stdout
    equal(out.splitlines(), [str(i) for i in range(1, 501)])


@test()
def megabyte(env):
    out = psql(env, '-c', "select repeat('x', 1 << 20)").stdout
    equal(len(out), (1 << 20) + 1)


@test()
def listen_notify(env):
    out = psql(env, '-c', 'listen psql_channel', '-c', "notify psql_channel, 'hello'").stdout
    true('Asynchronous notification "psql_channel" with payload "hello"' in out, out)


@test()
def gset_gexec_watch(env):
    out = env.run(PSQL + ['-f', '-'], env=env.target.pgenv(), input="select 5 as n \\gset\nselect :n + 1;\n"
                  "select 'select ' || i from generate_series(1,3) i \\gexec\nselect 1 \\; select 2 \\; select 3;\n"
                  "\\set ON_ERROR_ROLLBACK on\nbegin;\nselect 7;\ncommit;\nselect 1 as a, 'x' as b \\gdesc\n").stdout
    equal(out.split(), '6 1 2 3 1 2 3 BEGIN 7 COMMIT a|integer b|text'.split())


@test()
def settings(env):
    out = psql(env, '-c', 'show application_name', '-c', 'show statement_timeout', '-c', 'show timezone', PGAPPNAME='psql-e2e',
               PGOPTIONS='-c statement_timeout=12345', PGTZ='Asia/Shanghai').stdout
    equal(out.split(), ['psql-e2e', '12345ms', 'Asia/Shanghai'])


@test()
def pg_dump(env):
    done = env.run([os.path.join(bindir(), 'pg_dump'), '-t', 'products', '-t', 'tickets'], env=env.target.pgenv('dba'))
    true('COPY public.products' in done.stdout and '500\tproduct 500\t1750.00' in done.stdout, done.stdout[:300])
