"""Sequences of protocol messages that no driver sends, or only some: pipelines, errors inside them, portals with row limits, Flush, Describe and
Close in every order, empty queries, and what follows an error."""
from lib.pgwire import FLUSH, SYNC, bind, close, describe, execute, parse, query

from . import Group

INT = b'\0\0\0'


def groups():
    g = Group('pipelines')
    ok, bad, none = parse('select 1') + bind() + describe() + execute(), parse('select 1/0') + bind() + execute(), parse('') + bind() + describe() + execute()
    syntax, missing = parse('selec'), bind(portal='x', name='nosuch')
    for label, data in (('three', ok * 3), ('error first', bad + ok * 2), ('error middle', ok + bad + ok), ('error last', ok * 2 + bad), ('syntax', ok + syntax + bind() + execute() + ok), ('missing statement', ok + missing + execute('x') + ok),
                        ('empty', none), ('empty among', ok + none + ok), ('nothing', b''), ('describe missing', ok + describe('S', 'nosuch') + ok), ('describe missing portal', describe('P', 'nosuch')), ('execute missing', execute('nosuch')),
                        ('close missing', close('S', 'nosuch') + close('P', 'nosuch')), ('close unnamed', parse('select 1') + close('S') + bind()), ('bind twice', parse('select 1') + bind() + bind() + execute()),
                        ('parse twice', parse('select 1') + parse('select 2') + bind() + execute()), ('execute twice', parse('select generate_series(1, 3)') + bind() + execute() + execute()),
                        ('execute again after suspend', parse('select generate_series(1, 3)') + bind() + execute(rows=1) + execute(rows=1) + execute(rows=1) + execute(rows=1)),
                        ('describe both', parse('select $1::int, full_name from customers where id = $2') + describe('S') + bind([b'1', b'2']) + describe() + execute()),
                        ('insert', parse('insert into scratch values (1)') + bind() + describe() + execute()), ('insert max rows', parse('insert into scratch values (1), (2) returning id') + bind() + execute(rows=1) + execute(rows=1)),
                        ('writes then error', parse('insert into scratch values (77)') + bind() + execute() + bad), ('begin in pipeline', parse('begin') + bind() + execute() + ok + parse('commit') + bind() + execute() + ok),
                        ('begin, error', parse('begin') + bind() + execute() + bad + ok), ('wrong count of parameters', parse('select $1::int') + bind()), ('too many', parse('select 1') + bind([b'1'])),
                        ('formats', parse('select $1::int, $2::text') + bind([b'\0\0\0\5', b'x'], pformats=[1, 0], rformats=[1, 0]) + execute()), ('wrong formats', parse('select $1::int') + bind([b'1'], pformats=[0, 0])),
                        ('format 2', parse('select 1') + bind(rformats=[2]) + execute()), ('too many result formats', parse('select 1') + bind(rformats=[0, 1]) + execute()), ('multi in parse', parse('select 1; select 2')), ('multi in parse, empty', parse(';;') + bind() + execute()),
                        ('types', parse('select $1, $2', types=[23, 0]) + describe('S')), ('undetermined', parse('select $1')), ('unused type', parse('select 1', types=[23]) + describe('S') + bind([b'1']) + execute()), ('bad type', parse('select $1', types=[999999])),
                        ('gap in parameters', parse('select $2::int') + describe('S')), ('transaction in extended', parse('begin') + bind() + execute()), ('copy out', parse('copy products to stdout') + bind() + describe() + execute()),
                        ('notice', parse("do $$ begin raise notice 'x'; end $$") + bind() + execute() + ok), ('set', parse("set timezone = 'Asia/Tokyo'") + bind() + execute() + parse('show timezone') + bind() + execute()),
                        ('set then error', parse("set timezone = 'Asia/Seoul'") + bind() + execute() + bad), ('utility with rows', parse('show timezone') + bind() + describe() + execute(rows=1)), ('explain', parse('explain (costs off) select 1') + bind() + describe() + execute())):
        g.send(data + SYNC, 1, label)
        g.send(data + SYNC + data + SYNC + query('select 5'), 3, label + ', twice and a Query')
        g.send(query('select 4') + data + SYNC, 2, 'a Query and ' + label)
        g.send(data + FLUSH, 'flush', label + ', Flush')
        g.send(SYNC, 1, 'Sync after it')
        g.q('rollback')
    yield g
    g = Group('named statements and portals')
    g.send(parse('select id, full_name from customers where id = $1', 's1', [20]) + SYNC, 1, 'parse s1')
    g.send(parse('select 1', 's1') + SYNC, 1, 'parse s1 again')
    for i in range(1, 30):
        g.send(bind([str(i).encode()], name='s1') + execute() + SYNC, 1, 's1 with %d' % i)
        g.send(bind([i.to_bytes(8, 'big')], name='s1', pformats=[1], rformats=[1]) + describe() + execute() + SYNC, 1, 's1 with %d in binary' % i)
    g.send(bind([b'-1'], name='s1') + execute() + SYNC, 1, 's1 without a hit')
    g.send(bind([b'x'], name='s1') + execute() + SYNC, 1, 's1 with rubbish')
    g.send(bind([None], name='s1') + execute() + SYNC, 1, 's1 with NULL')
    g.send(describe('S', 's1') + close('S', 's1') + describe('S', 's1') + SYNC, 1, 'describe, close, describe')
    g.send(parse('select 2', 's1') + bind(name='s1') + execute() + SYNC, 1, 's1 anew')
    g.q('deallocate s1', 'begin')
    g.send(parse('select id from customers order by id', 's2') + bind(portal='p1', name='s2') + bind(portal='p2', name='s2', rformats=[1]) + SYNC, 1, 'two portals')
    for rows in (1, 5, 100, 0):
        g.send(execute('p1', rows) + execute('p2', rows) + SYNC, 1, 'in slices of %d' % rows)
    g.send(execute('p1') + SYNC, 1, 'past the end')
    g.send(bind(portal='p1', name='s2') + SYNC, 1, 'p1 again')
    g.q('rollback', 'begin')
    g.send(bind(portal='p1', name='s2') + execute('p1', 3) + close('P', 'p1') + execute('p1', 3) + SYNC, 1, 'closed under way')
    g.q('rollback', 'begin')
    g.send(bind(portal='p1', name='s2') + SYNC, 1, 'open')
    g.q('fetch 2 from p1', 'select name, statement from pg_cursors', 'close p1', 'commit')
    g.send(bind(portal='p1', name='s2') + SYNC + execute('p1') + SYNC, 2, 'a portal ends with its transaction')
    g.q('begin', 'declare c cursor for select id from products order by id')
    g.send(describe('P', 'c') + execute('c', 2) + execute('c', 0) + SYNC, 1, 'a cursor by messages')
    g.q('commit', 'create table changing (a int)')
    g.send(parse('select * from changing', 's3') + SYNC, 1, 's3')
    g.q('alter table changing add b text')
    g.send(bind(name='s3') + execute() + SYNC, 1, 'a result that changed')
    g.q('drop table changing')
    g.send(bind(name='s3') + execute() + SYNC, 1, 'a table that is gone')
    g.q('discard all')
    g.send(bind(name='s2') + execute() + SYNC, 1, 's2 after DISCARD ALL')
    g.send(parse('prepare viasql as select 6') + bind() + execute() + SYNC, 1, 'PREPARE by messages')
    g.send(bind(name='viasql') + describe() + execute() + SYNC, 1, 'an SQL statement by messages')
    g.send(parse('select 7', 'bymsg') + SYNC, 1, 'and the other way')
    g.q('execute bymsg', 'select name, from_sql from pg_prepared_statements order by 1', 'deallocate all')
    g.send(b''.join(parse('select %d' % i, 'n%d' % i) for i in range(300)) + SYNC, 1, '300 statements')
    g.send(b''.join(bind(name='n%d' % i) + execute() for i in range(0, 300, 7)) + SYNC, 1, 'some of them')
    g.send(b''.join(close('S', 'n%d' % i) for i in range(300)) + SYNC, 1, 'all closed')
    g.send(parse('select 1', 'ü"\'name') + bind(portal='pörtal', name='ü"\'name') + execute('pörtal') + SYNC, 1, 'odd names')
    g.send(parse('select 1', 'x' * 200) + bind(name='x' * 200) + execute() + SYNC, 1, 'a long name')
    yield g
    g = Group('simple strings')
    for sql in ('', ';', ' ', ';;;', '--', '/**/', 'select 1;', 'select 1; ', 'select 1;;select 2', 'select 1; select 2; select 3', ';select 1', 'select 1; selec', 'selec; select 1', 'select 1; select 1/0; select 2',
                'begin; select 1', 'select 2; commit', 'select 1; commit; select 2', 'create temp table st (a int); insert into st values (1), (2); select * from st; drop table st', "set timezone = 'UTC'; set timezone = 'Asia/Tokyo'; show timezone; reset timezone",
                'select * from customers where id = 1; select * from products where id = 1; select * from orders where id = 1', "do $$ begin raise notice 'a'; end $$; select 1; do $$ begin raise notice 'b'; end $$", 'listen z; notify z; select 1', 'notify z, \'1\'; notify z, \'2\'',
                'select 1; copy products to stdout; select 2', 'begin; select 1; savepoint a; select 1/0; rollback to a; select 2; commit', 'vacuum scratch; select 1', 'select 1; vacuum scratch', 'create database nope; select 1', 'prepare x as select 1; execute x; deallocate x',
                'declare c cursor for select 1; fetch c', 'select 1 where false; select where true', b'select \'\xff\xfe\'', b'select \'\xc3\'', 'select \'\ufeff\'', '\ufeffselect 1', 'select 1 \r\n\t;\x0b', 'select\u00a01'):
        g.q(sql)
        g.x(sql)
    yield g
    g = Group('after an error')
    for data in (parse('selec'), bind(name='nosuch'), execute('nosuch'), parse('select 1/0') + bind() + execute()):
        for after in (b'', parse('select 1') + bind() + execute(), close('S', 'x') + describe('S', 'x'), FLUSH, query('select 9')):
            # A Query after an error in extended protocol is skipped as all else is, until Sync.
            g.send(data + after + SYNC, 1, 'then %d bytes' % len(after))
    yield g
    g = Group('flush')
    for data in (parse('select 1', 'f1'), describe('S', 'f1'), bind(portal='fp', name='f1'), describe('P', 'fp'), execute('fp', 1), execute('fp', 0), close('P', 'fp'), close('S', 'f1')):
        g.send(data + FLUSH, 'flush', 'one message and Flush')
    g.send(SYNC, 1, 'Sync')
    g.send(parse('select id from customers order by id limit 50') + bind() + execute(rows=20) + FLUSH, 'flush', 'rows by Flush')
    g.send(execute(rows=20) + FLUSH, 'flush', 'more rows by Flush')
    g.send(execute(rows=20) + SYNC, 1, 'the rest')
    g.send(parse('selec') + FLUSH, 'flush', 'an error by Flush')
    g.send(parse('select 1') + FLUSH + SYNC, 1, 'skipped')
    yield g
    for label, data in (('unknown message', b'!\0\0\0\4'), ('length too small', b'Q\0\0\0\3'), ('length zero', b'Q\0\0\0\0'), ('Query without zero', b'Q\0\0\0\x08abcd'), ('password out of place', b'p\0\0\0\5\0'), ('Terminate', b'X\0\0\0\4')):
        g = Group('ends: ' + label, strict=label == 'Terminate')
        g.q('select 1')
        g.send(data, 'end', label)
        yield g
    for label, data in (('Bind cut', b'B\0\0\0\6\0\0'), ('Bind surplus', bind()[:1] + (len(bind()) + 3).to_bytes(4, 'big') + bind()[5:] + b'xyz\0'), ('Parse negative count', b'P\0\0\0\x0f\0select\0\xff\xff'[:15] + b'\0'), ('Execute cut', b'E\0\0\0\5\0'), ('Describe unknown kind', describe('X', 'y')),
                        ('Close unknown kind', close('X', 'y')), ('Sync surplus', b'S\0\0\0\5x'), ('Query two strings', b'Q\0\0\0\x0dselect 1\0x\0'[:14]), ('Function cut', b'F\0\0\0\6\0\0')):
        g = Group('malformed: ' + label, strict=False)
        g.q('select 1')
        g.send(data, 'any', label)
        yield g
