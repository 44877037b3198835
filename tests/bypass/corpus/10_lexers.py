"""4.10: texts that the server and another lexer read differently. 4.11: texts from which a pattern cuts the wrong piece."""
from harness.corpus import attack
from lib import pgwire
from lib.pgwire import bind, execute, parse, query

MULTIBYTE = [('SJIS', b'\x95\x5c'), ('BIG5', b'\xa4\x5c'), ('GBK', b'\x81\x5c'), ('GB18030', b'\x81\x5c'), ('SHIFT_JIS_2004', b'\x95\x5c')]


def encoded(encoding, character):
    """The character's second byte is a backslash: who does not know the encoding takes the quote behind it for a quote within the string."""
    text = b"SELECT E'" + character + b"', phone || E'' FROM customers ORDER BY id LIMIT 9 --'"

    @attack('4.10', 'SET client_encoding %s' % encoding)
    def by_set(s):
        s.q("SET client_encoding = '%s'" % encoding)
        s.put(pgwire.msg(b'Q', text + b'\0'))
        s.main.read_on()

    @attack('4.10', 'start-up with client_encoding %s' % encoding)
    def by_start(s):
        s.open(label='main', params=[('client_encoding', encoding)])
        s.put(pgwire.msg(b'Q', text + b'\0'))
        s.main.read_on()

    @attack('4.10', 'extended protocol under %s' % encoding)
    def by_parse(s):
        s.q("SELECT set_config('client_encoding', '%s', false)" % encoding)
        s.put(pgwire.msg(b'P', b'\0' + text + b'\0\0\0'), bind(), execute(), pgwire.SYNC)
        s.main.read_on()


for e, c in MULTIBYTE:
    encoded(e, c)


@attack('4.10', 'SET NAMES')
def _(s):
    s.q("SET NAMES 'GBK'")
    s.put(pgwire.msg(b'Q', b"SELECT E'\x81\x5c', full_name || E'' FROM customers ORDER BY id LIMIT 9 --'\0"))
    s.main.read_on()


@attack('4.10', 'encoding set in a transaction that is rolled back', direct='back in UTF-8 the same bytes are refused by the server')
def _(s):
    s.q('BEGIN')
    s.q("SET client_encoding = 'SJIS'")
    s.q('ROLLBACK')
    s.put(pgwire.msg(b'Q', b"SELECT E'\x95\x5c', phone || E'' FROM customers ORDER BY id LIMIT 9 --'\0"))
    s.main.read_on()


@attack('4.10', 'encoding by alter role')
def _(s):
    s.q("ALTER ROLE mira SET client_encoding = 'SJIS'")
    s.main.bye()
    c = s.open('mira')
    c.put(pgwire.msg(b'Q', b"SELECT E'\x95\x5c', phone || E'' FROM customers ORDER BY id LIMIT 9 --'\0"))
    c.read_on()


@attack('4.10', 'encoding LATIN1 shows other bytes')
def _(s):
    s.q("SET client_encoding = 'LATIN1'")
    s.q("SELECT full_name || E'\xe9' FROM customers ORDER BY id LIMIT 9")
    s.q('SELECT upper(address) FROM customers ORDER BY id')


@attack('4.10', 'bytes that are not UTF-8', direct='the server refuses them')
def _(s):
    for bad in (b'\xff', b'\xc0\x80', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xe2\x82'):
        s.put(pgwire.msg(b'Q', b"SELECT phone || '" + bad + b"' FROM customers\0"))
        s.main.read_on()
    s.put(pgwire.msg(b'Q', b'SELECT 1 AS "\xc3\x28", phone FROM customers\0'))
    s.main.read_on()


@attack('4.10', 'standard_conforming_strings off')
def _(s):
    s.q('SET standard_conforming_strings = off')
    s.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.10', 'standard_conforming_strings off by other words')
def _(s):
    for word in ('SET SESSION standard_conforming_strings TO 0', "SET standard_conforming_strings = 'no'", 'SET Standard_Conforming_Strings TO of',
                 "SELECT set_config('standard_conforming_strings', 'off', false)", 'SET LOCAL standard_conforming_strings = off'):
        s.q(word)
    s.q("SELECT '\\' || ', address || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.10', 'standard_conforming_strings off, on, rolled back')
def _(s):
    s.open(label='main', params=[('standard_conforming_strings', 'off')])
    s.q('BEGIN')
    s.q('SET standard_conforming_strings = on')
    s.q('ROLLBACK')
    s.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.10', 'standard_conforming_strings by reset')
def _(s):
    s.open(label='main', params=[('options', '-c standard_conforming_strings=off')])
    s.q('SET standard_conforming_strings = on')
    s.q('RESET standard_conforming_strings')
    s.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")


@attack('4.10', 'setting of a savepoint that is rolled back')
def _(s):
    s.q('BEGIN')
    s.q('SET standard_conforming_strings = off')
    s.q('SAVEPOINT a')
    s.q('SET standard_conforming_strings = on')
    s.q('ROLLBACK TO a')
    s.q("SELECT '\\' || ', phone || E'' FROM customers ORDER BY id LIMIT 9 --'")
    s.q('ROLLBACK')


@attack('4.10', 'backslash_quote and escape_string_warning')
def _(s):
    s.q('SET backslash_quote = on')
    s.q('SET escape_string_warning = off')
    s.q("SELECT E'\\'' || phone || ' --' FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'transform_null_equals')
def _(s):
    s.q('SET transform_null_equals = on')
    s.q('SELECT id FROM customers WHERE address = NULL ORDER BY id')


@attack('4.10', 'nested comments')
def _(s):
    s.q("SELECT /* /* */ province, */ phone || '' FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'line comment ended by CR alone')
def _(s):
    s.q("SELECT province -- \r, phone || ''\r FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'form feed and vertical tab as space')
def _(s):
    s.q("SELECT\fphone\f||''\fFROM\fcustomers\fORDER BY id LIMIT 9")


@attack('4.10', 'dollar quotes around quotes')
def _(s):
    s.q("SELECT $a$ ' $a$, phone || '' FROM customers ORDER BY id LIMIT 9 -- '")
    s.q("SELECT $é$ $$ -- $é$ || phone FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'escaped quote')
def _(s):
    s.q("SELECT E'\\'', phone || E'\\'' FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'continued constants')
def _(s):
    s.q("SELECT 'a'\n  'b' || phone || ''\n '-- ' FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'unicode escapes in a constant')
def _(s):
    s.q("SELECT U&'\\0027' || phone || U&'!0027' UESCAPE '!' FROM customers ORDER BY id LIMIT 9")
    s.q("SELECT id FROM customers WHERE phone = U&'+1\\002D605-0107'")


@attack('4.10', 'numbers that touch words')
def _(s):
    s.q("SELECT 1 n,phone||''p FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'operators that contain comments')
def _(s):
    s.q("SELECT 1 +-- 2\n 1, phone ||/* */'' FROM customers ORDER BY id LIMIT 9")


@attack('4.10', 'identifier cut within a character')
def _(s):
    a = 'a' * 62 + 'é'
    s.q('SELECT "%s".phone || \'\' FROM customers AS "%s" ORDER BY id LIMIT 9' % (a, 'a' * 62))
    s.q('SELECT phone || \'\' AS "%s" FROM customers ORDER BY id LIMIT 9' % a)


@attack('4.10', 'letters that fold')
def _(s):
    s.q("SELECT Phone || '', FULL_NAME || '' FROM Customers ORDER BY id LIMIT 9")
    s.q('SELECT "PHONE" FROM customers')


@attack('4.10', 'byte order mark and non-breaking space', direct='the server takes them for letters')
def _(s):
    s.q("\ufeffSELECT phone || '' FROM customers")
    s.q("SELECT\u00a0phone || '' FROM customers")


# -- 4.11

CUT = [
    ('PREPARE with a comment that looks like one', "PREPARE /* AS SELECT 1 -- */ p AS SELECT phone || '' FROM customers ORDER BY id LIMIT 9", 'EXECUTE p'),
    ('PREPARE with a quoted name that looks like one', "PREPARE \"p AS SELECT 1 --\" AS SELECT phone || '' FROM customers ORDER BY id LIMIT 9", 'EXECUTE "p AS SELECT 1 --"'),
    ('PREPARE with a type list that holds the word', "PREPARE p (\"text\") AS SELECT phone || $1 FROM customers ORDER BY id LIMIT 9", "EXECUTE p ('')"),
    ('PREPARE in upper and lower case with line ends', "prePARE\np\r\naS\tselect full_name || '' from customers order by id limit 9", 'execute P'),
    ('PREPARE of a data-modifying statement', "PREPARE p AS UPDATE tickets SET note = (SELECT phone FROM customers WHERE id = 7) WHERE id = 1 RETURNING note", 'EXECUTE p'),
    ('PREPARE of what was refused, name reused', "PREPARE p AS SELECT phone || '' FROM customers ORDER BY id LIMIT 9", "PREPARE p AS SELECT 1", 'EXECUTE p'),
    ('DECLARE with a quoted name', "BEGIN", "DECLARE \"k CURSOR FOR SELECT 1 --\" CURSOR FOR SELECT address || '' FROM customers ORDER BY id", 'FETCH ALL FROM "k CURSOR FOR SELECT 1 --"'),
    ('DECLARE with a comment', "BEGIN", "DECLARE k /* CURSOR FOR SELECT 1; */ CURSOR FOR SELECT address || '' FROM customers ORDER BY id", 'FETCH ALL FROM k'),
    ('DECLARE with all its words', "BEGIN", "DECLARE k ASENSITIVE NO SCROLL CURSOR WITHOUT HOLD FOR SELECT id FROM customers WHERE phone LIKE '+1-605%' ORDER BY id", 'FETCH FORWARD ALL IN k'),
    ('DECLARE for a WITH', "BEGIN", "DECLARE k CURSOR FOR WITH x AS (SELECT upper(full_name) u FROM customers ORDER BY id) SELECT u FROM x", 'FETCH ALL k'),
    ('COPY with a constant that looks like its end', "COPY (SELECT phone || '', ') TO STDOUT' FROM customers ORDER BY id) TO STDOUT"),
    ('COPY with a comment that looks like its end', "COPY (SELECT upper(full_name) /* ) TO STDOUT -- */ FROM customers ORDER BY id) TO STDOUT"),
    ('COPY with options by old and new words', "COPY (SELECT address || '' FROM customers ORDER BY id) TO STDOUT WITH CSV HEADER QUOTE '\"'"),
    ('COPY with nested parentheses', "COPY ((SELECT phone || '' FROM customers WHERE id < 5) UNION ALL ((SELECT province FROM customers WHERE id < 5))) TO STDOUT"),
    ('COPY of a name that looks like a query', 'COPY "customers" ("phone") TO STDOUT'),
    ('EXPLAIN with options that hide ANALYZE', "EXPLAIN (COSTS OFF, TIMING OFF, SUMMARY OFF, ANALYZE) SELECT 1 FROM customers WHERE phone LIKE '+1-605%'"),
    ('EXPLAIN with ANALYZE off and on again', "EXPLAIN (ANALYZE off, COSTS OFF, ANALYZE true, TIMING off, SUMMARY off) SELECT 1 FROM customers WHERE phone LIKE '+1-605%'"),
    ('EXPLAIN of a DECLARE', "EXPLAIN DECLARE k CURSOR FOR SELECT 1 FROM customers WHERE phone < '+1-6'"),
    ('EXPLAIN of an EXPLAIN by EXECUTE', "PREPARE p AS SELECT 1 FROM customers WHERE phone < '+1-6'", 'EXPLAIN (COSTS ON) EXECUTE p'),
    ('EXPLAIN in parentheses', "EXPLAIN (SELECT 1 FROM customers WHERE phone < '+1-6')"),
    ('SELECT in parentheses with a comment in front', "/* SELECT 1 */ ((SELECT phone || '' FROM customers ORDER BY id LIMIT 9))"),
    ('label in front that looks like a comment of a tool', "/*+ SeqScan(c) */ SELECT phone || '' FROM customers c ORDER BY id LIMIT 9 -- application: report"),
    ('EXECUTE of another with a comment', "PREPARE p AS SELECT 1", "PREPARE q AS SELECT phone || '' FROM customers ORDER BY id LIMIT 9", 'EXECUTE /* p */ q'),
    ('splice: a FROM in a constant', "SELECT phone, ' FROM customers c' AS x, full_name || '' FROM customers ORDER BY id LIMIT 9"),
    ('splice: a FROM in extract and substring', "SELECT extract(day FROM created_at), substring(phone FROM 1 FOR 9), trim(both '+' FROM phone) FROM customers ORDER BY id LIMIT 9"),
    ('splice: no key, sub-select in the list', "SELECT (SELECT 1 FROM products LIMIT 1), upper(phone) FROM customers"),
    ('splice: an alias that is another table', "SELECT products.phone || '' FROM customers products ORDER BY id LIMIT 9"),
    ('splice: is distinct from', "SELECT full_name IS DISTINCT FROM 'Mary Major', phone FROM customers ORDER BY id"),
]


def cut(name, *texts):
    @attack('4.11', name)
    def run(s):
        for sql in texts:
            s.q(sql)

    if len(texts) == 1:
        @attack('4.11', name + ', by Parse')
        def run_parse(s):
            s.x(texts[0])


for words in CUT:
    cut(*words)


@attack('4.11', 'DECLARE by Parse, FETCH by Parse')
def _(s):
    s.q('BEGIN')
    s.x('DECLARE "k CURSOR FOR SELECT 1 --" CURSOR FOR SELECT address || \'\' FROM customers ORDER BY id')
    s.x('FETCH ALL FROM "k CURSOR FOR SELECT 1 --"')


@attack('4.11', 'PREPARE by Parse, EXECUTE by Parse')
def _(s):
    s.x("PREPARE p (text) AS SELECT phone || $1 FROM customers ORDER BY id LIMIT 9")
    s.x("EXECUTE p ('')")


@attack('4.11', 'EXECUTE p by two different clients of one name', direct='sessions do not share statements in PostgreSQL; behind a pool they would')
def _(s):
    a, b = s.open('noor'), s.open('mira')
    a.q("PREPARE p AS SELECT 1")
    b.q('EXECUTE p')
    b.ask(bind(name='p'), execute())
