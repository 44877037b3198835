"""Real programs and drivers: the same is done directly and through the gateway, and what they print is compared."""
import os
import shutil
import subprocess
import tempfile

from harness.legit import good

PSQL = ['\\d', '\\dt', '\\d orders', '\\d customers', '\\d+ contact_card', '\\d orders_customer', '\\l', '\\df', '\\df customer_province', '\\du', '\\dn', '\\dn+', '\\di', '\\dv', '\\dx', '\\dT',
        '\\dm', '\\ds', '\\dp', '\\dp customers', '\\db', '\\dC', '\\dD', '\\dE', '\\des', '\\do ||', '\\dL', '\\da sum', '\\dF', '\\dd', '\\ddp', '\\dP', '\\sf customer_province', '\\sv contact_card', '\\z tickets',
        '\\dg', '\\det', '\\dO', '\\dconfig work_mem', '\\dRp', '\\dy', '\\dX', '\\encoding', '\\d pg_class', '\\dS pg_tables']


ONCE = {}  # what a program that does everything in one run has printed: {name: text} for each place


def once(kind, place, make):
    """make() gives the output, in which `@@NAME` lines stand in front of each part."""
    if (kind, place) not in ONCE:
        parts = {}
        for line in make().splitlines():
            if line.startswith('@@'):
                now = parts.setdefault(line[2:], [])
            else:
                now.append(line)
        ONCE[kind, place] = {name: '\n'.join(lines) for name, lines in parts.items()}
    return ONCE[kind, place]


def all_of_psql(place):
    words = []
    for c in PSQL:
        words += ['-c', '\\echo @@' + c.replace('\\', '!'), '-c', '\\warn @@' + c.replace('\\', '!'), '-c', c]
    done = subprocess.run(['psql', '-X', '-q', '-P', 'pager=off', *words], env=place.environ('mira'), capture_output=True, text=True, timeout=60)
    said = once(('said', place), place, lambda: done.stderr)
    return {name: (text, said.get(name, '')) for name, text in once(('shown', place), place, lambda: done.stdout).items()}


def psql(command):
    @good('psql', command)
    def run(direct, gated):
        want, got = ((ONCE.get(('psql', p)) or ONCE.setdefault(('psql', p), all_of_psql(p))).get(command.replace('\\', '!'), ('', 'nothing was printed')) for p in (direct, gated))
        if want[1]:
            return ['directly: ' + want[1]]
        if got[1]:
            return [got[1]]
        return [] if want[0] == got[0] else [different(want[0], got[0])]


for c in PSQL:
    psql(c)


def different(want, got):
    for w, g in zip(want.splitlines(), got.splitlines()):
        if w != g:
            return 'wanted %r, got %r' % (w[:150], g[:150])
    return '%d lines, wanted %d' % (len(got.splitlines()), len(want.splitlines()))


def program(section, name, command, keep=()):
    """A program that is told host, port and database, and prints lines; lines may hold no protected value in the clear (`keep`: what it must print)."""
    @good(section, name)
    def run(direct, gated):
        lines = []
        for place in (direct, gated):
            done = subprocess.run(command() + [place.host, str(place.port), place.database], env=place.environ('mira'), capture_output=True, text=True, timeout=60)
            if done.returncode:
                return [('directly: ' if place is direct else '') + (done.stderr.strip().splitlines() or ['exit %d' % done.returncode])[-1]]
            lines.append(done.stdout)
        return [] if lines[0] == lines[1] else [different(*lines)]


def python(name, text):
    program('python', name, lambda: ['/usr/bin/python3', '-P', '-c', text])


START = '''import sys
host, port, database = sys.argv[1:]
import psycopg2, psycopg2.extras
c = psycopg2.connect(host=host, port=port, dbname=database, user='mira', password='mira-Secret-1')
k = c.cursor()
'''
python('psycopg2 query', START + '''k.execute('SELECT id, province FROM customers WHERE id < %s ORDER BY id', (9,)); print(k.fetchall(), k.description); c.commit()''')
python('psycopg2 autocommit and isolation', START + '''c.rollback(); c.set_session(isolation_level='SERIALIZABLE', readonly=True); k.execute('SELECT count(*) FROM orders'); print(k.fetchall()); c.rollback()
c.set_session(autocommit=True, readonly=False); k.execute('SELECT 1'); print(k.fetchall())''')
python('psycopg2 named cursor', START + '''n = c.cursor('big'); n.itersize = 50; n.execute('SELECT id, item FROM orders ORDER BY id'); print(sum(r[0] for r in n)); n.close(); c.commit()''')
python('psycopg2 executemany and execute_values', START + '''k.executemany('INSERT INTO tickets (customer_id, note) VALUES (%s, %s)', [(1, 'a'), (2, None)])
psycopg2.extras.execute_values(k, 'INSERT INTO tickets (customer_id, note) VALUES %s RETURNING note', [(3, 'b'), (4, "c'd")]); print(k.fetchall()); print(k.rowcount); c.rollback()''')
python('psycopg2 execute_batch', START + '''try:
    psycopg2.extras.execute_batch(k, 'UPDATE tickets SET note = %s WHERE id = %s', [('x', 1), ('y', 2)], page_size=1); print(k.rowcount)
finally:
    c.rollback()''')
python('psycopg2 copy_expert', START + '''import io; b = io.StringIO(); k.copy_expert('COPY (SELECT id, province FROM customers WHERE id < 9 ORDER BY id) TO STDOUT WITH CSV', b); print(b.getvalue()); c.commit()''')
python('psycopg2 dictionaries', START + '''d = c.cursor(cursor_factory=psycopg2.extras.RealDictCursor); d.execute('SELECT name, price, tags, spec FROM products ORDER BY name'); print(d.fetchall()); c.commit()''')
python('psycopg2 hstore and composite', START + '''psycopg2.extras.register_hstore(c); print(psycopg2.extras.register_composite('card', c).attnames); c.rollback()''')
python('psycopg2 set_client_encoding and reset', START + '''c.set_client_encoding('UTF8'); c.rollback(); c.reset(); k.execute('SELECT 1'); print(k.fetchall(), c.encoding)''')
python('psycopg2 savepoint after an error', START + '''k.execute('SAVEPOINT a')
try:
    k.execute('SELECT 1 / 0')
except psycopg2.Error as e:
    print(e.pgcode)
k.execute('ROLLBACK TO SAVEPOINT a'); k.execute('SELECT 7'); print(k.fetchall()); c.commit()''')
AIO = '''import asyncio, asyncpg, sys
host, port, database = sys.argv[1:]
async def main():
    c = await asyncpg.connect(host=host, port=int(port), user='mira', password='mira-Secret-1', database=database, ssl=False)
%s
    await c.close()
asyncio.run(main())
'''
python('asyncpg query with parameters', AIO % '''    print([tuple(r) for r in await c.fetch('SELECT id, province, created_at FROM customers WHERE id = any($1::bigint[]) ORDER BY id', [1, 2, 3])])''')
python('asyncpg types', AIO % '''    print([tuple(r) for r in await c.fetch('SELECT name, price, tags, spec FROM products ORDER BY name')]); print(await c.fetchval("SELECT ROW(1, 'x')")); print(await c.fetchrow('SELECT int4range(1, 5) AS r, point(1, 2) AS p, ARRAY[1, 2] AS a'))''')
python('asyncpg cursor', AIO % '''    async with c.transaction():
        print([r['id'] async for r in c.cursor('SELECT id FROM orders ORDER BY id', prefetch=30)][:40])''')
python('asyncpg prepared and metadata', AIO % '''    p = await c.prepare('SELECT item, amount FROM orders WHERE id = $1'); print(p.get_parameters(), [a.name for a in p.get_attributes()], await p.fetchrow(7))''')
python('asyncpg transactions and savepoints', AIO % '''    async with c.transaction(isolation='repeatable_read', readonly=True):
        async with c.transaction():
            print(await c.fetchval('SELECT count(*) FROM orders'))''')
python('asyncpg executemany', AIO % '''    t = c.transaction(); await t.start()
    await c.executemany('INSERT INTO tickets (customer_id, note) VALUES ($1, $2)', [(1, 'm'), (2, 'n')]); print(await c.fetchval("SELECT count(*) FROM tickets WHERE note IN ('m', 'n')")); await t.rollback()''')
python('asyncpg copy_from_query', AIO % '''    import io; b = io.BytesIO(); print(await c.copy_from_query('SELECT id, item FROM orders WHERE id < $1 ORDER BY id', 9, output=b)); print(b.getvalue())''')
python('asyncpg pool (reset of a connection)', '''import asyncio, asyncpg, sys
host, port, database = sys.argv[1:]
async def main():
    p = await asyncpg.create_pool(host=host, port=int(port), user='mira', password='mira-Secret-1', database=database, ssl=False, min_size=1, max_size=2)
    for i in range(3):
        async with p.acquire() as c:
            print(await c.fetchval('SELECT $1::int', i))
    await p.close()
asyncio.run(main())
''')
python('asyncpg set_type_codec', AIO % '''    import json; await c.set_type_codec('jsonb', encoder=json.dumps, decoder=json.loads, schema='pg_catalog'); print(await c.fetchval("SELECT spec FROM products WHERE name = 'item 1'"))''')
# pgjdbc: one program that does what its argument says, compiled once.
JAR = '/usr/share/java/postgresql.jar'
JAVA = '''import java.sql.*;
public class Meta {
    static void show(ResultSet r) throws SQLException {
        int n = r.getMetaData().getColumnCount();
        while (r.next()) { StringBuilder b = new StringBuilder(); for (int i = 1; i <= n; i++) b.append(r.getString(i)).append('|'); System.out.println(b); }
    }
    public static void main(String[] a) throws Exception {
        try (Connection c = DriverManager.getConnection("jdbc:postgresql://" + a[0] + ":" + a[1] + "/" + a[2], new java.util.Properties() {{ put("user", "mira"); put("password", "mira-Secret-1"); put("sslmode", "disable"); }})) {
            DatabaseMetaData m = c.getMetaData();
            for (int k = 3; k < a.length; k++) {
            System.out.println("@@" + a[k]);
            try { c.setAutoCommit(true);
            switch (a[k]) {
            case "getTables": show(m.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})); break;
            case "getColumns": show(m.getColumns(null, "public", "customers", "%")); break;
            case "getPrimaryKeys": show(m.getPrimaryKeys(null, "public", "customers")); break;
            case "getImportedKeys": show(m.getImportedKeys(null, "public", "orders")); break;
            case "getExportedKeys": show(m.getExportedKeys(null, "public", "customers")); break;
            case "getIndexInfo": show(m.getIndexInfo(null, "public", "orders", false, false)); break;
            case "getTypeInfo": show(m.getTypeInfo()); break;
            case "getSchemas": show(m.getSchemas()); break;
            case "getCatalogs": show(m.getCatalogs()); break;
            case "getProcedures": show(m.getProcedures(null, "public", "%")); break;
            case "getFunctions": show(m.getFunctions(null, "public", "customer%")); break;
            case "getTablePrivileges": show(m.getTablePrivileges(null, "public", "customers")); break;
            case "getBestRowIdentifier": show(m.getBestRowIdentifier(null, "public", "customers", 0, true)); break;
            case "getSQLKeywords": System.out.println(m.getSQLKeywords()); break;
            case "prepared":
                try (PreparedStatement s = c.prepareStatement("SELECT id, item, amount FROM orders WHERE customer_id = ? ORDER BY id")) {
                    System.out.println(s.getMetaData().getColumnTypeName(3) + s.getMetaData().isAutoIncrement(1) + s.getParameterMetaData().getParameterTypeName(1));
                    for (int i = 1; i < 9; i++) { s.setLong(1, i); show(s.executeQuery()); }
                } break;
            case "fetch size":
                c.setAutoCommit(false);
                try (Statement s = c.createStatement()) { s.setFetchSize(7); int n = 0; try (ResultSet r = s.executeQuery("SELECT id FROM orders ORDER BY id")) { while (r.next()) n += r.getInt(1); } System.out.println(n); }
                c.commit(); break;
            case "batch":
                c.setAutoCommit(false);
                try (PreparedStatement s = c.prepareStatement("INSERT INTO tickets (customer_id, note) VALUES (?, ?)")) {
                    for (int i = 1; i < 9; i++) { s.setLong(1, i); s.setString(2, "b" + i); s.addBatch(); } System.out.println(s.executeBatch().length);
                }
                c.rollback(); break;
            case "generated keys":
                c.setAutoCommit(false);
                try (PreparedStatement s = c.prepareStatement("INSERT INTO tickets (customer_id, note) VALUES (1, 'g')", new String[] {"note"})) { s.executeUpdate(); show(s.getGeneratedKeys()); }
                c.rollback(); break;
            case "transactions":
                c.setReadOnly(true); c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE); c.setAutoCommit(false);
                try (Statement s = c.createStatement()) { Savepoint p = c.setSavepoint("x"); show(s.executeQuery("SELECT count(*) FROM orders")); c.rollback(p); }
                c.commit(); System.out.println(c.isValid(2)); break;
            case "several statements":
                try (Statement s = c.createStatement()) { s.execute("SELECT 1; SELECT 2"); show(s.getResultSet()); s.getMoreResults(); show(s.getResultSet()); } break;
            }
            } catch (SQLException e) { System.out.println("!! " + e.getMessage().replace('\\n', ' ')); try { c.rollback(); } catch (SQLException x) { } }
            }
        }
    }
}
'''
folder = []


def java():
    if not folder:
        folder.append(tempfile.mkdtemp(prefix='gh-bypass-java-', dir='/tmp'))
        __import__('atexit').register(shutil.rmtree, folder[0], True)
        with open(os.path.join(folder[0], 'Meta.java'), 'w') as f:
            f.write(JAVA)
        subprocess.run(['javac', '-cp', JAR, '-d', folder[0], os.path.join(folder[0], 'Meta.java')], check=True)
    return ['java', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto', '-cp', JAR + ':' + folder[0], 'Meta']


CHECKS = ('getTables', 'getColumns', 'getPrimaryKeys', 'getImportedKeys', 'getExportedKeys', 'getIndexInfo', 'getTypeInfo', 'getSchemas', 'getCatalogs', 'getProcedures', 'getFunctions', 'getTablePrivileges',
          'getBestRowIdentifier', 'getSQLKeywords', 'prepared', 'fetch size', 'batch', 'generated keys', 'transactions')


def all_of_java(place):
    host = 'localhost' if place.host.startswith('/') else place.host
    done = subprocess.run(java() + [host, str(place.port), place.database, *CHECKS], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def jdbc(check):
    @good('jdbc', check)
    def run(direct, gated):
        want, got = (once('java', p, lambda p=p: all_of_java(p)).get(check, '!! nothing was printed') for p in (direct, gated))
        if want.startswith('!!') or not want:
            return ['directly: ' + want]
        return [] if want == got else [got[:300] if got.startswith('!!') else different(want, got)]


if shutil.which('javac') and os.path.exists(JAR):
    for check in CHECKS:
        jdbc(check)
