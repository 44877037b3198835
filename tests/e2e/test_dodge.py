"""Ways to dodge budgets and to be recorded as somebody else: pipelines, portals, and what ends in the middle of them."""
from lib.count import Stand
from lib.env import equal, test, true
from lib.pgwire import SYNC, bind, execute, parse, query
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
