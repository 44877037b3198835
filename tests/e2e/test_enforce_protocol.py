"""The protocol in an enforced session, message by message. Most tests are played to PostgreSQL as well: over open columns the answers must be the
same, message for message, row for row, state for state, though nothing of them is relayed (SQL-RULES 4.9)."""
import struct

from lib import pgwire
from lib.env import test, true
from lib.pgwire import FLUSH, SYNC, TERMINATE, Conn, bind, close, describe, execute, extended, msg, parse, query

END = object()  # a round after which the peer must end the connection
A, B, C = "select id, title from products where id <= 3 order by id", "select title, id from products where id = 7", "select id from products order by id"
W = 'insert into scratch values (1, null, $1)'


def run(sql, values=(), name='', portal='', rows=0, **more):
    """Parse, Bind, Execute without Describe and without Sync."""
    return parse(sql, name) + bind(values, portal, name, **more) + execute(portal, rows)


def copy(sql):
    return 'copy (%s) to stdout' % sql


# Each round is sent at once; then so many ReadyForQuery are awaited as it has Sync and Query messages, or as given. 0: until nothing comes.
SCRIPTS = {
    'parse_of_a_name_in_use': [parse(A, 's') + parse(B, 's') + SYNC, bind(name='s') + describe() + execute() + SYNC],
    'parse_fails_close_is_skipped': [parse(A, 's') + SYNC, parse('selec', 'x') + close('S', 's') + parse(B, 's') + SYNC, bind(name='s') + execute() + SYNC, bind(name='x') + SYNC],
    'names_given_behind_an_error_are_not': [parse('select 1/0', 'z') + bind(name='z') + execute() + parse(A, 'late') + bind((), 'p', 'late') + SYNC, bind(name='late') + SYNC, bind(name='z') + SYNC],
    'names_taken_behind_an_error_are_not': [parse(A, 's') + parse('select 1/0', 'z') + SYNC, bind(name='z') + execute() + close('S', 's') + parse(B, 's') + SYNC, bind(name='s') + execute() + SYNC],
    'unnamed_statement_renewed': [parse(A) + bind((), 'a') + parse(B) + execute('a') + bind((), 'b') + execute('b') + SYNC],
    'unnamed_statement_lost_by_parse': [parse(A) + SYNC, parse('selec') + SYNC, bind() + SYNC],
    'unnamed_statement_lost_by_query': [parse(A) + SYNC, query('select 1'), bind() + SYNC],
    'unnamed_statement_lost_by_bad_query': [parse(A) + SYNC, query('selec'), bind() + SYNC],
    'unnamed_portal_lost_by_query': [query('begin'), run(C, rows=2) + SYNC, query(B), execute() + SYNC, query('rollback')],
    'portals_in_turn': [query('begin'), parse(C, 's') + bind((), 'a', 's') + bind((), 'b', 's', rformats=[1]) + bind((), 'c', 's') + SYNC,
                        execute('a', 1) + execute('b', 1) + execute('a', 3) + execute('c', 2) + execute('b', 2) + execute('a', 40) + SYNC, execute('c', 1) + describe('P', 'b') + SYNC, query('commit'), execute('a', 1) + SYNC],
    'row_limits_and_ends': [query('begin'), parse(A) + bind() + execute(rows=3) + execute(rows=1) + execute() + SYNC, query('rollback')],
    'without_describe': [run(A) + SYNC], 'described_twice': [parse(A, 's') + describe('S', 's') + bind((), '', 's') + describe() + describe() + execute() + SYNC],
    'flush_in_place_of_sync': [(run(A) + FLUSH, 0), (run(C, rows=2) + FLUSH, 0), (execute(rows=2) + FLUSH, 0), SYNC],
    'suspended_and_left': [run(C, rows=2) + SYNC, execute() + SYNC],
    'closed_portal': [query('begin'), parse(A) + bind((), 'p') + close('P', 'p') + execute('p') + SYNC, query('rollback')],
    'closed_statement_with_open_portal': [query('begin'), parse(A, 's') + bind((), 'p', 's') + close('S', 's') + execute('p') + bind(name='s') + SYNC, query('rollback')],
    'nothing_is_there': [bind(name='no') + SYNC, execute('no') + SYNC, describe('S', 'no') + SYNC, describe('P', 'no') + SYNC, close('S', 'no') + close('P', 'no') + SYNC, bind() + SYNC],
    'portal_in_use': [query('begin'), parse(A) + bind((), 'p') + bind((), 'p') + SYNC, query('rollback')],
    'error_among_several': [run(A) + run(B) + run('select 1/0') + run(C, rows=1) + parse(A, 's') + SYNC, bind(name='s') + SYNC],
    'error_at_parse_among_several': [run(A) + run('select nothing from products') + run(C, rows=1) + SYNC, query(B)],
    'error_in_a_transaction': [query('begin'), run('select 1/0') + SYNC, run(A) + SYNC, query(A), query('selec'), query('rollback'), query(A)],
    'commit_of_a_failed_transaction': [query('begin'), query('selec'), query('commit'), query(A)],
    'rollback_and_on': [query('begin'), query('selec'), run('rollback') + run("set timezone to 'UTC'") + run(A) + SYNC],
    'savepoints': [query('begin') + query('savepoint a') + query(W.replace('$1', "'savepoint'")) + query('select 1/0') + query('rollback to a') + query(A) + query('release a') + query('rollback')],
    'transaction_in_pipeline': [run('begin') + run(A) + run('commit') + SYNC, run('begin') + run('select 1/0') + run('commit') + SYNC, query('rollback'), run('begin') + SYNC, run('rollback') + SYNC],
    'queries_at_once': [query(A) + query('begin') + query('selec') + query(B) + query('rollback') + query(B)],
    'query_while_skipping': [(parse('selec') + query(A) + SYNC, 1), query(B)],
    'query_in_a_half_pipeline': [(parse(A, 's') + bind(name='s') + execute() + query(B) + SYNC, 2), bind(name='s') + execute() + SYNC],
    'empty': [query(''), query(' ;; -- x'), run('') + SYNC, parse('', 'e') + describe('S', 'e') + bind(name='e') + describe() + execute() + SYNC],
    'binary': [extended('select id, price, title, null::text from products where id = $1', [b'7'], rformats=[1]), extended('select id, price, title from products where id = $1', [struct.pack('>i', 7)], types=[23], pformats=[1], rformats=[0, 1, 0])],
    'formats_do_not_fit': [extended(A, rformats=[1, 1, 1]), extended(A, [b'1']), extended('select $1::int', [b'x']), extended('select $1::int', [b'1', b'2']), parse('select 1') + bind(rformats=[7]) + SYNC],
    'parameters': [extended('select id, $2::text from products where id = $1', [b'9', None]), parse('select $1 + 1', 's', [20]) + describe('S', 's') + SYNC, extended('select $1', [b'x']), query('select $1')],
    'writes': [extended(W, [b'one']), run(W, [b'two']) + run("update scratch set t = t || '!' where t = 'none such'") + SYNC, query('begin'), extended('insert into scratch values (2, $1, $2) returning id, b, t', [b'\\x00', b'z'], rformats=[1]), extended('delete from scratch where id = 2'),
               query('rollback'), parse(W) + bind([b'a']) + execute() + execute() + SYNC],
    'copy_by_query': [query(copy(A)), query(copy(A) + ' csv header'), query(copy(A) + ' (format binary)'), query(copy("select null::text, '', E'a\\tb\\\\\\n', ',\"', '\\.'") + " with csv null 'x'"), query(copy("select null::text, '', E'a\\tb\\\\\\n'")),
                      query(copy('select 1/0')), query('copy products (id, title) to stdout (delimiter \'|\')')],
    'copy_by_messages': [run(copy(A)) + SYNC, parse(copy(A), 'c') + describe('S', 'c') + bind(name='c') + describe() + execute() + SYNC],
    'sql_prepare_then_bind': [query('prepare p as ' + A), bind(name='p') + describe() + execute() + SYNC, close('S', 'p') + SYNC, query('execute p')],
    'parse_then_sql_execute': [parse('select id, title from products where id = $1', 'p', [23]) + SYNC, query('execute p(4)'), query('execute p'), query('deallocate p'), bind([b'4'], name='p') + SYNC, query('deallocate p')],
    'sql_prepare_in_use': [parse(A, 'p') + SYNC, query('prepare p as ' + B), query('execute p')],
    'deallocate_and_prepare': [parse(A, 's') + SYNC, query('deallocate s'), query('prepare s as ' + B), bind(name='s') + execute() + SYNC, query('deallocate all'), bind(name='s') + SYNC],
    'declare_then_execute': [query('begin'), query('declare k cursor for ' + C), execute('k', 2) + SYNC, query('fetch 2 from k'), execute('k', 1) + SYNC, query('fetch k'), query('move 3 in k'), query('fetch k'), query('close k'), execute('k') + SYNC, query('rollback')],
    'cursor_by_messages': [run('begin') + run('declare k cursor for ' + C) + run('fetch 2 from k') + run('fetch 1 from k') + run('close k') + run('commit') + SYNC],
    'cursor_described': [query('begin') + query('declare k cursor for ' + A), parse('fetch all from k') + describe('S') + bind() + describe() + execute() + SYNC, describe('P', 'k') + SYNC, query('commit')],
    'portal_then_fetch': [query('begin'), parse(C) + bind((), 'k') + execute('k', 1) + SYNC, query('fetch 2 from k'), query('close k'), query('fetch k'), query('rollback')],
    'cursor_outside': [query('declare k cursor for ' + A), query('fetch k'), query('close k')],
    'cursor_in_use': [query('begin'), query('declare k cursor for ' + A), query('declare k cursor for ' + A), query('rollback')],
    'copy_data_outside_copy': [msg(b'd', b'x') + query(A) + pgwire.COPY_DONE + query(B) + pgwire.copy_fail('x') + query(A)],
    'settings': [query('set statement_timeout to 30000') + query('show statement_timeout') + query('reset statement_timeout') + query('show statement_timeout') + query('begin') + query("set local application_name = 'a''b'") + query('show application_name') + query('rollback'),
                 query('show transaction isolation level') + query('set client_encoding to utf8') + query("set datestyle to 'ISO, DMY'") + query('set session characteristics as transaction read write')],
    'explain': [query('explain (costs off) select id from products where id = 1'), parse('explain (costs off, format json) select id from products where id = 1') + describe('S') + bind() + execute() + SYNC],
    'error_positions': [query('select nothing from products'), query('select id from nowhere'), query('select id +* from products'), parse('select 1 where') + SYNC],
    'timeouts': [query('set statement_timeout to 50'), query('select count(*) from orders a, orders b, orders c where a.id < b.id and b.id < c.id'), query('reset statement_timeout')],
    'terminate_in_pipeline': [run(A) + SYNC, (run(B) + TERMINATE, END)],
}


def told(messages):
    """What a client sees: kinds, rows, tags, states; of an error its severity, code and position."""
    out = []
    for kind, body in messages:
        if kind == b'E':
            f = pgwire.error_fields(body)
            if out and out[-1][0] == b'T':
                out.pop()  # of a simple query that fails as it runs: nobody can use it
            out.append((kind, f.get('V'), f.get('C'), f.get('P') if f.get('C', '')[:2] == '42' and f['C'] != '42P02' else None))
        elif kind == b'd' and out and out[-1][0] == b'd':
            out[-1] = (kind, out[-1][1] + body)  # how many bytes are in one message says nothing
        elif kind != b'N' and kind != b'S':
            out.append((kind, body))
    return out


def play(target, rounds):
    c, out = Conn.open(target, 'bo', unix=True), []
    for r in rounds:
        data, count = r if isinstance(r, tuple) else (r, None)
        if count is None:
            count, at = 0, 0
            while at < len(data):
                count += data[at:at + 1] in (b'Q', b'S')
                at += 1 + struct.unpack_from('>I', data, at + 1)[0]
        c.send(data)
        if count is END:
            true(c.closed(5), 'still open')
            return out
        out.append(told(c.settle(0.05) if count == 0 else c.read_until(b'Z', count)))
    c.close()
    return out


@test(gate=True, timeout=90)
def same_as_the_server(env):
    for name, rounds in SCRIPTS.items():
        try:
            want, got = play(env.direct, rounds), play(env.enforced, rounds)
            fault = next(('round %d: got %.400r, wanted %.400r' % (i, g, w) for i, (g, w) in enumerate(zip(got, want)) if g != w), '')
        except (pgwire.ServerError, pgwire.Closed, TimeoutError) as e:
            fault = '%s: %s' % (type(e).__name__, e)
        env.sub(name, not fault, fault)
