"""pgbench in its three protocol modes, with pipelines and scripts of its own."""
import os
import re

from lib.cluster import bindir
from lib.env import test, true

PGBENCH = os.path.join(bindir(), 'pgbench')


def bench(env, *args, user='anna', unix=False, timeout=60):
    done = env.run([PGBENCH, '-n', *args], env=env.target.pgenv(user, unix), timeout=timeout)
    n = re.search(r'number of transactions actually processed: (\d+)', done.stdout)
    failed = re.search(r'number of failed transactions: (\d+)', done.stdout)
    true(n and int(n[1]) > 0 and (not failed or failed[1] == '0'), done.stdout + done.stderr)
    return done


def script(env, name, text):
    path = os.path.join(env.folder, name + '.sql')
    with open(path, 'w') as f:
        f.write(text)
    return path


@test()
def simple(env):
    bench(env, '-c', '4', '-j', '2', '-t', '100', '-M', 'simple')


@test()
def extended(env):
    bench(env, '-c', '4', '-j', '2', '-t', '100', '-M', 'extended')


@test()
def prepared(env):
    bench(env, '-c', '4', '-j', '2', '-t', '200', '-M', 'prepared', unix=True)


@test()
def select_only(env):
    for mode in ('simple', 'extended', 'prepared'):
        bench(env, '-S', '-c', '8', '-j', '2', '-t', '200', '-M', mode)


@test()
def reconnecting(env):
    bench(env, '-S', '-C', '-c', '2', '-t', '40')


@test()
def pipeline(env):
    path = script(env, 'pipeline', """\\set a random(1, 100000)
\\startpipeline
SELECT abalance FROM pgbench_accounts WHERE aid = :a;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :a;
SELECT id, full_name FROM customers WHERE id = 1 + :a % 2000;
SELECT 1 WHERE false;
\\endpipeline
""")
    for mode in ('extended', 'prepared'):
        bench(env, '-f', path, '-M', mode, '-c', '4', '-j', '2', '-t', '100')


@test()
def own_script(env):
    path = script(env, 'script', """\\set id random(1, 2000)
BEGIN;
SELECT full_name, phone FROM customers WHERE id = :id;
SELECT count(*) FROM orders WHERE customer_id = :id;
SAVEPOINT s;
INSERT INTO scratch VALUES (:id, 'x', 'pgbench');
ROLLBACK TO s;
END;
""")
    for mode in ('simple', 'extended', 'prepared'):
        bench(env, '-f', path, '-M', mode, '-c', '4', '-j', '2', '-t', '50')


@test()
def gset(env):
    path = script(env, 'gset', """SELECT id AS cid, full_name FROM customers WHERE id = 7 \\gset
SELECT 1 AS two \\; SELECT :cid + 1 AS three \\aset
""")
    bench(env, '-f', path, '-M', 'simple', '-t', '50')
