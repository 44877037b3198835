"""4.9: sequences of messages, sent raw."""
import struct

from harness.corpus import attack
from lib import pgwire
from lib.pgwire import bind, close, describe, execute, parse, query

LEAK = "SELECT phone || '' FROM customers ORDER BY id LIMIT 9"


def numbers(s, sql):
    """An identifier looked up around the gateway: both sides have the same."""
    return int(s.admin(sql)[0][0])


@attack('4.9', 'protocol Execute of an SQL cursor')
def _(s):
    s.q('BEGIN')
    s.q('DECLARE k CURSOR FOR ' + LEAK)
    s.ask(execute('k'))
    s.ask(describe('P', 'k'), execute('k', 3), execute('k', 3))


@attack('4.9', 'protocol Execute of an SQL cursor with hold')
def _(s):
    s.q("DECLARE k CURSOR WITH HOLD FOR SELECT id FROM customers WHERE phone LIKE '+1-605%' ORDER BY id")
    s.ask(describe('P', 'k'), execute('k'))


@attack('4.9', 'protocol Bind of an SQL prepared statement')
def _(s):
    s.q('PREPARE p AS ' + LEAK)
    s.ask(bind(name='p'), execute())
    s.ask(describe('S', 'p'), bind(name='p', rformats=(1,)), execute(rows=2), execute())


@attack('4.9', 'SQL EXECUTE of a protocol statement')
def _(s):
    s.ask(parse(LEAK, 'p'))
    s.q('EXECUTE p')
    s.q('EXPLAIN EXECUTE p')


@attack('4.9', 'deallocate by SQL, prepare by SQL, bind by protocol')
def _(s):
    s.ask(parse('SELECT province FROM customers ORDER BY id LIMIT 3', 's'))
    s.q('DEALLOCATE s')
    s.q('PREPARE s AS ' + LEAK)
    s.ask(bind(name='s'), execute())


@attack('4.9', 'deallocate all by SQL, parse again')
def _(s):
    s.ask(parse('SELECT 1', 's'))
    s.q('DEALLOCATE ALL')
    s.ask(parse(LEAK, 's'), bind(name='s'), execute())


@attack('4.9', 'close of a statement behind an open portal')
def _(s):
    s.ask(parse(LEAK, 's'), bind(portal='a', name='s'), execute('a', 2), close('S', 's'), parse('SELECT 1', 's'), execute('a'))


@attack('4.9', 'the first Parse of a name stays')
def _(s):
    s.ask(parse("SELECT phone || '' AS phone, province FROM customers ORDER BY id LIMIT 9", 's'))
    s.ask(parse("SELECT province, 'x' AS phone FROM customers ORDER BY id LIMIT 9", 's'))
    s.ask(bind(name='s'), describe(), execute())


@attack('4.9', 'the first Parse of a name stays, columns change places', direct='the values are the same; a gateway must not lay the second mask over the first answer')
def _(s):
    s.ask(parse('SELECT id, province FROM customers ORDER BY id LIMIT 9', 's'))
    s.ask(parse('SELECT phone, id FROM customers ORDER BY id LIMIT 9', 's'))
    s.ask(bind(name='s'), execute())


@attack('4.9', 'a failed Parse of the same name, masked columns change places')
def _(s):
    s.ask(parse('SELECT id, full_name, province FROM customers ORDER BY id LIMIT 9', 's'))
    s.ask(parse('SELECT id, province, full_name FROM customers ORDER BY id LIMIT 9', 's'))
    s.ask(bind(name='s'), execute())


@attack('4.9', 'after an error the server skips to Sync')
def _(s):
    s.ask(parse("SELECT full_name, id FROM customers ORDER BY id LIMIT 9", 's'))
    s.ask(parse('SELECT nonsense', 'x'), close('S', 's'), parse('SELECT id, full_name FROM customers ORDER BY id LIMIT 9', 's'))
    s.ask(bind(name='s'), describe(), execute())


@attack('4.9', 'unnamed statement parsed anew under an open portal')
def _(s):
    s.ask(parse(LEAK), bind(portal='a'), parse('SELECT province FROM customers LIMIT 1'), execute('a'))


@attack('4.9', 'portal of a masked statement, unnamed statement parsed anew')
def _(s):
    s.ask(parse('SELECT phone, id FROM customers ORDER BY id LIMIT 9'), bind(portal='a'), parse('SELECT id, phone FROM customers ORDER BY id LIMIT 9'),
          bind(portal='b'), execute('a'), execute('b'))


@attack('4.9', 'a failed Parse destroys the unnamed statement', direct='the server destroys it; a gateway that keeps it runs what the client has lost')
def _(s):
    s.ask(parse(LEAK))
    s.ask(parse('SELECT nonsense'))
    s.ask(bind(), execute())
    s.ask(parse('SELECT phone FROM customers WHERE id = 7'), bind(portal='a'))
    s.q('syntax error')
    s.ask(bind(), execute())


@attack('4.9', 'a simple Query destroys the unnamed statement and portal', direct='the server destroys them')
def _(s):
    s.put(parse('SELECT full_name FROM customers WHERE id = 7'), bind(), query('SELECT 1'), execute(), pgwire.SYNC)
    s.main.read_on(b'Z', 2)


@attack('4.9', 'portals in turn')
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, full_name, province FROM customers ORDER BY id', 'a'), parse('SELECT id, province, full_name FROM customers ORDER BY id', 'b'),
          bind(portal='pa', name='a'), bind(portal='pb', name='b'))
    for rows in (1, 2, 3):
        s.ask(execute('pa', rows), execute('pb', rows))
    s.q('COMMIT')


@attack('4.9', 'portals in turn, one of them open')
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, item FROM orders ORDER BY id', 'a'), parse("SELECT id, apple_id FROM customers ORDER BY id", 'b'),
          bind(portal='pa', name='a'), bind(portal='pb', name='b'), execute('pa', 1), execute('pb', 1), execute('pa', 2), execute('pb', 2))


@attack('4.9', 'portal replaced under its name')
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, item FROM orders ORDER BY id', 'a'), parse('SELECT id, full_name FROM customers ORDER BY id', 'b'), bind(portal='p', name='a'),
          execute('p', 1), close('P', 'p'), bind(portal='p', name='b'), execute('p', 3))
    s.ask(bind(portal='q', name='a'), bind(portal='q', name='b'), execute('q'))


@attack('4.9', 'Execute without Describe')
def _(s):
    s.ask(parse('SELECT phone, full_name FROM customers ORDER BY id LIMIT 9'), bind(), execute())


@attack('4.9', 'Describe of another portal, Execute of this one')
def _(s):
    s.ask(parse('SELECT item FROM orders ORDER BY id LIMIT 3', 'a'), parse('SELECT full_name FROM customers ORDER BY id LIMIT 9', 'b'),
          bind(portal='pa', name='a'), bind(portal='pb', name='b'), describe('P', 'pa'), execute('pb'))


@attack('4.9', 'Flush instead of Sync')
def _(s):
    s.put(parse(LEAK), bind(), execute(), pgwire.FLUSH)
    s.main.quiet(0.3)
    s.ask()


@attack('4.9', 'Flush instead of Sync, masked columns, never finished')
def _(s):
    s.put(parse('SELECT full_name, address FROM customers ORDER BY id'), bind(), execute(rows=5), pgwire.FLUSH)
    s.main.quiet(0.3)
    s.put(execute(rows=5), pgwire.FLUSH)
    s.main.quiet(0.3)


@attack('4.9', 'row limit, hang-up in the middle')
def _(s):
    s.ask(parse('SELECT apple_id FROM customers ORDER BY id'), bind(), execute(rows=7))
    s.main.bye()


@attack('4.9', 'binary result of a whole row')
def _(s):
    s.x('SELECT c FROM customers c ORDER BY id LIMIT 5', rformats=(1,))


@attack('4.9', 'binary result of arrays, jsonb, numbers')
def _(s):
    s.x("SELECT ARRAY[phone], to_jsonb(full_name), right(phone, 4)::int8 FROM customers ORDER BY id LIMIT 5", rformats=(1,))


@attack('4.9', 'binary results of masked columns, formats mixed')
def _(s):
    s.x('SELECT id, phone, full_name, address FROM customers ORDER BY id LIMIT 9', rformats=(1, 0, 1, 1))
    s.x('SELECT phone, serial FROM customers c JOIN devices d ON d.customer_id = c.id ORDER BY c.id LIMIT 9', rformats=(1, 1))


@attack('4.9', 'text and binary of one statement by two portals')
def _(s):
    s.ask(parse('SELECT id, full_name FROM customers ORDER BY id LIMIT 5', 'a'), bind(portal='t', name='a'), bind(portal='b', name='a', rformats=(1,)),
          execute('b', 2), execute('t', 2), execute('b'), execute('t'))


@attack('4.9', 'SQL text in a parameter')
def _(s):
    s.x('SELECT query_to_xml($1, true, false, $2)', 'SELECT phone FROM customers', '')
    s.x('SELECT * FROM run_report($1)', 'SELECT phone::text FROM customers ORDER BY id')


@attack('4.9', 'relation by parameter')
def _(s):
    s.x('SELECT table_to_xml($1::regclass, true, false, $2)', 'customers', '')


@attack('4.9', 'guess in a binary parameter')
def _(s):
    s.x('SELECT id FROM customers WHERE phone = $1', b'+1-605-0107', pformats=(1,), types=(1043,))
    s.x('SELECT count(*) FROM customers WHERE full_name = ANY ($1)', '{"Mary Major"}', types=(1009,))


@attack('4.9', 'parameter types given by the client')
def _(s):
    s.x('SELECT coalesce(nullif($1, $1), phone) FROM customers WHERE id = 7', 'x', types=(25,))
    s.x('SELECT $1 || phone FROM customers WHERE id = 7', 'x')


@attack('4.9', 'FunctionCall query_to_xml')
def _(s):
    oid = numbers(s, "SELECT 'query_to_xml'::regproc::oid")
    s.put(pgwire.call(oid, [b'SELECT phone FROM customers ORDER BY id LIMIT 9', b't', b'f', b'']))
    s.main.read_on()


@attack('4.9', 'FunctionCall of a definer function')
def _(s):
    s.put(pgwire.call(numbers(s, "SELECT 'customer_count(text)'::regprocedure::oid"), [b'+1-605%']))
    s.main.read_on()
    s.put(pgwire.call(numbers(s, "SELECT 'contact_of(bigint)'::regprocedure::oid"), [struct.pack('>q', 7)], formats=(1,), result=1))
    s.main.read_on()


@attack('4.9', 'FunctionCall table_to_xml')
def _(s):
    s.put(pgwire.call(numbers(s, "SELECT 'table_to_xml'::regproc::oid"), [b'customers', b't', b'f', b'']))
    s.main.read_on()


@attack('4.9', 'FunctionCall of a large object written by an attacker')
def _(s):
    s.q("SELECT lo_from_bytea(4242, convert_to((SELECT phone FROM customers WHERE id = 7), 'UTF8'))")
    s.put(pgwire.call(numbers(s, "SELECT 'lo_get(oid)'::regprocedure::oid"), [b'4242']))
    s.main.read_on()


@attack('4.9', 'FunctionCall within a pipeline')
def _(s):
    s.put(parse('SELECT 1'), bind(), execute(), pgwire.call(numbers(s, "SELECT 'contact_of(bigint)'::regprocedure::oid"), [b'7']), pgwire.SYNC)
    s.main.read_on(b'Z', 2)


@attack('4.9', 'COPY by Parse, Bind, Execute')
def _(s):
    s.ask(parse('COPY customers (phone) TO STDOUT'), bind(), execute())
    s.ask(parse("COPY (SELECT upper(full_name) FROM customers ORDER BY id) TO STDOUT"), bind(), describe(), execute())


@attack('4.9', 'several statements in one Query')
def _(s):
    s.q("CREATE TEMP VIEW v AS SELECT phone || '' AS p FROM customers ORDER BY id; SELECT p FROM v; DROP VIEW v")


@attack('4.9', 'several statements, the second leaks')
def _(s):
    s.q('SELECT 1; ' + LEAK)


@attack('4.9', 'several statements, an error in the last')
def _(s):
    s.q(LEAK + '; SELECT 1 / 0')


@attack('4.9', 'several statements of transactions')
def _(s):
    s.q("BEGIN; SELECT set_config('x.y', (SELECT phone FROM customers WHERE id = 7), true); COMMIT; BEGIN; SELECT count(*) FROM customers WHERE phone LIKE '+1-605%'; COMMIT")


@attack('4.9', 'commit, set role, select in one Query', user='pool')
def _(s):
    s.q('COMMIT; SET ROLE auditor; SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'set role, then select', user='pool')
def _(s):
    s.q('SET ROLE auditor')
    s.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'set role by set_config', user='pool')
def _(s):
    s.q("SELECT set_config('role', 'auditor', false)")
    s.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'set local role in a transaction', user='pool')
def _(s):
    s.q('BEGIN')
    s.q('SET LOCAL ROLE auditor')
    s.q('SELECT secret FROM vault ORDER BY id')
    s.q('ROLLBACK')


@attack('4.9', 'role in the start-up options', user='pool')
def _(s):
    s.open(label='main', params=[('options', '-c role=auditor')])
    s.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'role as a start-up key', user='pool')
def _(s):
    s.open(label='main', params=[('role', 'auditor')])
    s.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'alter role me set role', user='pool')
def _(s):
    s.q('ALTER ROLE pool SET role = auditor')
    s.main.bye()
    c = s.open('pool')
    c.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'reset role and discard all after set role', user='pool')
def _(s):
    s.q('SET ROLE clerk')
    s.q('DISCARD ALL')
    s.q('RESET ROLE')
    s.q('SET SESSION AUTHORIZATION DEFAULT')
    s.q('SET ROLE auditor')
    s.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'alter role me set the strings that lie')
def _(s):
    s.q('ALTER ROLE mira SET standard_conforming_strings = off')
    s.main.bye()
    c = s.open('mira')
    c.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.9', 'alter role me set search_path')
def _(s):
    s.q('ALTER ROLE mira IN DATABASE shop SET search_path = pg_temp, public')
    s.main.bye()
    c = s.open('mira')
    c.q("CREATE TEMP VIEW products AS SELECT full_name AS name, 1 AS price FROM public.customers WHERE id < 9")
    c.q('SELECT name FROM products')


@attack('4.9', 'alter role me password, log in again', direct='it gives the person nothing that they may not know; but it must not work through a gateway either', around=True)
def _(s):
    s.q("ALTER ROLE mira PASSWORD 'mira-Secret-1'")


@attack('4.9', 'start-up with a search_path of temp first')
def _(s):
    s.open(label='main', params=[('search_path', 'pg_temp,public')])
    s.q("CREATE TEMP VIEW products AS SELECT full_name AS name, 1 AS price FROM public.customers WHERE id < 9")
    s.q('SELECT name FROM products')


@attack('4.9', 'start-up with lying strings')
def _(s):
    s.open(label='main', params=[('standard_conforming_strings', 'off')])
    s.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.9', 'start-up options with lying strings')
def _(s):
    s.open(label='main', params=[('options', '-c standard_conforming_strings=off --backslash_quote=on')])
    s.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.9', 'start-up with settings that take the tree away')
def _(s):
    s.open(label='main', params=[('options', '-c client_min_messages=error -c debug_print_rewritten=off'), ('debug_pretty_print', 'on')])
    s.q(LEAK)


@attack('4.9', 'set the settings that take the tree away')
def _(s):
    for sql in ('SET client_min_messages = error', 'SET debug_print_rewritten = off', 'SET debug_pretty_print = on', 'SET debug_print_parse = on', LEAK,
                "SELECT set_config('client_min_messages', 'error', false)", LEAK):
        s.q(sql)


@attack('4.9', 'duplicate user at start-up', around=True)
def _(s):
    packet = pgwire.startup_packet([('user', 'mira'), ('database', s.side.place.database), ('user', 'admin')])
    c = s.open(label='main', packet=packet, user='admin')
    c.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'duplicate user at start-up, as oneself', direct='the server takes the last: nothing is gained when it is oneself')
def _(s):
    packet = pgwire.startup_packet([('user', 'admin'), ('database', s.side.place.database), ('user', 'mira')])
    s.open(label='main', packet=packet, user='mira')
    s.q('SELECT secret FROM vault ORDER BY id')


@attack('4.9', 'replication session that speaks SQL', direct='PostgreSQL refuses it to a role without REPLICATION')
def _(s):
    s.open(label='main', params=[('replication', 'database')])
    s.q(LEAK)


@attack('4.9', 'replication as true', direct='PostgreSQL refuses it to a role without REPLICATION')
def _(s):
    s.open(label='main', params=[('replication', 'true')])
    s.q('IDENTIFY_SYSTEM')


@attack('4.9', 'start-up with an unknown protocol option')
def _(s):
    s.open(label='main', params=[('_pq_.evil', '1')])
    s.q(LEAK)


@attack('4.9', 'start-up of another database', direct='there is nothing in it')
def _(s):
    packet = pgwire.startup_packet([('user', 'mira'), ('database', 'postgres')])
    s.open(label='main', packet=packet, user='mira')
    s.q('SELECT 1')


@attack('4.9', 'pipelined settings')
def _(s):
    s.put(parse('SET standard_conforming_strings = off'), bind(), execute(), parse("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'"), bind(), execute(), pgwire.SYNC)
    s.main.read_on()


@attack('4.9', 'pipelined transactions and cursors')
def _(s):
    s.put(query('BEGIN'), query('DECLARE k CURSOR FOR ' + LEAK), query('FETCH 2 FROM k'), execute('k', 2), pgwire.SYNC, query('COMMIT'))
    s.main.read_on(b'Z', 5)


@attack('4.9', 'a hundred Parses in one write, one of them bad')
def _(s):
    s.put(*[parse('SELECT %d' % i, 's%d' % i) for i in range(50)], parse(LEAK, 'bad'), *[parse('SELECT %d' % i, 't%d' % i) for i in range(50)], pgwire.SYNC)
    s.main.read_on()
    s.ask(bind(name='bad'), execute())
    s.ask(bind(name='t7'), execute())


@attack('4.9', 'Bind to a statement that was refused')
def _(s):
    s.ask(parse(LEAK, 'x'))
    s.ask(bind(name='x'), describe(), execute())
    s.ask(describe('S', 'x'))
    s.ask(parse('SELECT 1', 'x'), bind(name='x'), execute())


@attack('4.9', 'cancel in the middle of rows')
def _(s):
    s.put(query("SELECT c::text FROM customers c, generate_series(1, 20) g ORDER BY g, id"))
    got = s.main.read_on(b'DEZ')
    s.say(got[-1][0] in (b'D', b'E', b'T'))


@attack('4.9', 'stray copy messages', direct='the server ignores them')
def _(s):
    s.put(pgwire.copy_data(b'x'), pgwire.COPY_DONE, query('SELECT 1'))
    s.main.read_on()


@attack('4.9', 'stray copy messages before what leaks')
def _(s):
    s.put(pgwire.copy_data(b'x'), pgwire.COPY_DONE, pgwire.copy_fail('no'), query(LEAK))
    s.main.read_on()


@attack('4.9', 'NUL within a Query', direct='the server refuses it')
def _(s):
    s.put(pgwire.msg(b'Q', b'SELECT 1\0; ' + LEAK.encode() + b'\0'))
    s.main.read_on()


@attack('4.9', 'a Query without its NUL', direct='the server refuses it')
def _(s):
    s.put(pgwire.msg(b'Q', LEAK.encode()))
    s.main.read_on()


@attack('4.9', 'unknown message type before a leak', direct='the server ends the session', ends=True)
def _(s):
    s.put(pgwire.msg(b'~', b'x'), query(LEAK))
    s.main.read_on()


@attack('4.9', 'bytes behind SSLRequest', direct='needs a server with TLS: none is asked for here')
def _(s):
    c = s.open(label='ssl', user='mira', packet=struct.pack('>II', 8, pgwire.SSL_REQUEST) + pgwire.startup_packet([('user', 'mira'), ('database', 'shop')])) \
        if s.side.place.use_tls else None
    s.say(c is None)


@attack('4.9', 'Describe of a statement shows a folded value', direct='the server folds nothing at Parse')
def _(s):
    s.ask(parse("SELECT id FROM customers WHERE phone = '+1-605-0107'", 's'), describe('S', 's'))
    s.ask(close('S', 's'))


@attack('4.9', 'empty Query between')
def _(s):
    s.q('')
    s.q(';')
    s.q(' -- nothing')
    s.q('/* */ ' + LEAK)
    s.q(';' + LEAK)


@attack('4.9', 'very long statement with the leak at its end')
def _(s):
    s.q('SELECT 1 AS n WHERE ' + ' OR '.join('1=%d' % i for i in range(2, 6000)) + " OR EXISTS (SELECT 1 FROM customers WHERE phone = '+1-605-0107')")


@attack('4.9', 'deep statement with the leak at its bottom')
def _(s):
    s.q('SELECT ' + '(' * 300 + '(SELECT phone FROM customers WHERE id = 7)' + ')' * 300)
    s.q('SELECT ' + 'upper(' * 100 + '(SELECT phone FROM customers WHERE id = 7)' + ')' * 100)


@attack('4.9', 'many terms', direct='only constants; a gateway must not fall over')
def _(s):
    s.q('SELECT ' + '+'.join(['1'] * 4000))
    s.q('SELECT 1')


@attack('4.9', 'statement names are cut at 63 bytes')
def _(s):
    name = 'n' * 70 + '\t\n'
    s.ask(parse(LEAK, name))
    s.ask(parse('SELECT 1', name[:63]))
    s.ask(bind(name=name[:63]), execute())
    s.ask(bind(name=name), execute())


@attack('4.9', 'alias that looks like a field of a tree')
def _(s):
    for alias in (':expr', ':resname', '{TARGETENTRY :expr', '}', ':resjunk false}', '(((((((((((((((((((((((((((((((((((((((', '\\ :resorigtbl 0', ') :jointree', '<>', 'a b\\'):
        s.q('SELECT upper(full_name) AS "%s" FROM customers ORDER BY id LIMIT 3' % alias)


@attack('4.9', 'alias with a line break')
def _(s):
    s.q('SELECT upper(full_name) AS "a\n\t:expr {VAR\r\n}" FROM customers ORDER BY id LIMIT 3')
    s.q('SELECT upper(full_name) AS U&"a\\000a:expr" FROM customers ORDER BY id LIMIT 3')


@attack('4.9', 'constant that looks like a tree')
def _(s):
    s.q("SELECT '}) :targetList (', upper(phone) FROM customers WHERE id = 7")
    s.q("SELECT '{QUERY :commandType 1' AS x, upper(phone) AS \"{QUERY\" FROM customers WHERE id = 7")


@attack('4.9', 'table alias that looks like a field')
def _(s):
    s.q('SELECT ":relid 0".phone || \'\' FROM customers AS ":relid 0"(":varno 2", b, phone) WHERE ":varno 2" = 7')


@attack('4.9', 'notice of a tree made by the client')
def _(s):
    s.q("DO $$ BEGIN RAISE LOG 'rewritten parse tree:' USING DETAIL = '(' || '{QUERY}' || ')'; END $$")
    s.q(LEAK)
