"""Ways to dodge budgets and to be recorded as somebody else: pipelines, portals, and what ends in the middle of them."""
import time

from lib.count import Stand
from lib.env import equal, test, true
from lib.pgwire import SYNC, bind, execute, extended, parse, query
from test_count import codes, ids, open_as, rows


def step(sql):
    """One statement of a pipeline."""
    return parse(sql) + bind() + execute()


@test(gate=True)
def local_token_ends_in_a_pipeline(env):
    """What comes behind a COMMIT or ROLLBACK is asked by whom these leave in force, also when nothing is answered yet."""
    with Stand(env, 'dodge-local') as stand:
        ann, ben = stand.issuer.token('ann', roles=['seen', 'few']), stand.issuer.token('ben', roles=['seen', 'thousand'])
        c = open_as(stand, 'crm')
        c.ask(query("set gatehouse.token = '%s'" % ann))
        c.ask(parse(ids(1, 30), 's') + SYNC)  # decided upon as ann's
        c.ask(query('reset gatehouse.token'))
        for local, end in ((' local', 'commit'), (' local', 'end'), ('', 'rollback')):
            got = c.ask(step('begin') + step("set%s gatehouse.token = '%s'" % (local, ann)) + step(end) + bind(name='s') + execute() + SYNC)
            equal((len(rows(got)), codes(got)), (30, []))
            true(not any(b'Li Na' in r[1] for r in rows(got)), 'as nobody sees them')
        entries = stand.gate.entries(login='crm', kind='read')
        true(entries and all(e['masked'] for e in entries), entries)
        c.ask(query("set gatehouse.token = '%s'" % ben))
        got = c.ask(step('begin') + step("set local gatehouse.token = '%s'" % ann) + bind(name='s') + execute() + step('commit') + bind(name='s') + execute() + SYNC)
        equal((len(rows(got)), codes(got)), (10, ['53Z01']))  # ann's, cut: what follows is skipped
        c.ask(query('rollback'))
        got = c.ask(step('begin') + step("set local gatehouse.token = '%s'" % ann) + step('commit') + bind(name='s') + execute() + SYNC)
        equal((len(rows(got)), stand.gate.entries(login='crm', kind='read')[-1]['actor']), (30, 'ben'))


LETTERS = 'generate_series(901, 903) k(k) cross join generate_series(1, 4) i(i) cross join generate_series(32, 126) n(n)'
IS = 'c.id = k.k and ascii(substr(c.full_name, i.i, 1)) = n.n'


@test(gate=True)
def rows_that_tell_of_others(env):
    """A name letter by letter from rows that name nobody, or somebody else."""
    with Stand(env, 'dodge-rows') as stand:
        c = open_as(stand, 'few1')
        for sql in ('select k.k, i.i, n.n from %s left join customers c on %s where c.id is null' % (LETTERS, IS),
                    'select q.* from (select c.id, k.k, i.i, n.n, count(*) over (partition by k.k, i.i, n.n) of from %s cross join customers c where c.id = 1 or (%s)) q where id = 1 and of > 1' % (LETTERS, IS),
                    'select q.* from (select distinct on (k.k, i.i, n.n) c.id, k.k, i.i, n.n from %s cross join customers c where c.id = 1 or (%s) order by 2, 3, 4, 1 desc) q where id = 1' % (LETTERS, IS),
                    'select q.id, k.k, i.i, n.n from %s cross join lateral (select c.id from customers c where c.id = 1 or (%s) order by 1 desc limit 1) q where id = 1' % (LETTERS, IS),
                    'select c.id, n.n from %s cross join customers c where c.id = 1 or (%s) offset 99 limit 1' % (LETTERS, IS)):
            for how in (query(sql), extended(sql)):
                equal((codes(c.ask(how)), sql), (['42501'], sql))
        # What programs ask all day goes on.
        for sql in ('select o.customer_id, o.item, c.full_name from orders o left join customers c on c.id = o.customer_id where o.customer_id = 3',
                    'select id, full_name, row_number() over (order by full_name) from customers where id < 4',
                    'select * from (select id, full_name, row_number() over (order by id) r from customers where id < 4) q where r = 2',
                    "select o.customer_id, o.item, p.title from orders o left join products p on p.title = o.item where o.customer_id = 2",
                    'select id, full_name from customers where id < 9 order by id offset 1 limit 2'):
            equal((codes(c.ask(query(sql))), sql), ([], sql))


@test(gate=True)
def hidden_rows_that_are_compared(env):
    """`unexplained mask` hides the person's own columns; where others' columns would tell the same, there is no answer."""
    with Stand(env, 'dodge-mask') as stand:
        c = open_as(stand, 'veil')
        equal(rows(c.ask(query('select id, full_name from customers where id = 500'))), [[b'500', None]])
        for sql in ('select c.id, n from customers c, generate_series(1, 200) n where n = ascii(c.full_name) and c.id = 500',
                    'select c.id from customers c, generate_series(1, ascii(c.full_name)) n where c.id = 500',
                    'select c.id, p.id from customers c join products p on p.id = ascii(c.full_name) where c.id = 500',
                    'select id, row_number() over (order by full_name) from customers where id between 500 and 503'):
            got = c.ask(query(sql))
            equal((rows(got), codes(got), sql), ([], ['42501'], sql))


@test(gate=True)
def cursor_outlives_the_token(env):
    """What was opened in time is not read on when the token has expired."""
    with Stand(env, 'dodge-cursor') as stand:
        c = open_as(stand, 'crm')
        end = time.monotonic() + 4
        c.ask(query("set gatehouse.token = '%s'" % stand.issuer.token('tim', roles=['seen', 'thousand'], life=-57)))  # good for a minute more, for clocks that differ
        c.ask(parse(ids(1, 100), 's') + SYNC)

        def read_on():
            c.ask(query('begin'))
            c.ask(query('declare k cursor for ' + ids(1, 100)))
            c.ask(bind(name='s', portal='p') + execute('p', 1) + SYNC)
            return [len(rows(c.ask(query('fetch 2 from k')))), len(rows(c.ask(execute('p', 2) + SYNC)))]
        equal(read_on(), [2, 2])
        time.sleep(max(end - time.monotonic(), 0))
        equal(codes(c.ask(query('fetch 2 from k'))), ['28000'])
        c.ask(query('rollback'))
        c.ask(query("set gatehouse.token = '%s'" % stand.issuer.token('tim', roles=['seen', 'thousand'], life=-57)))
        end = time.monotonic() + 4
        equal(read_on(), [2, 2])
        time.sleep(max(end - time.monotonic(), 0))
        equal(codes(c.ask(execute('p', 2) + SYNC)), ['28000'])
        c.close()
