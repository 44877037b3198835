#!/usr/bin/python3
"""The reader of query trees against PostgreSQL itself: a server is asked for the trees of its own views, of what psql asks, of the end-to-end corpus, and of
statements of every sort; all must be read, and unwrapping and breaking them again must give the same bytes. Names that try to look like tree must come
out as names or be refused."""
import os
import random
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'e2e')]
sys.dont_write_bytecode = True

import statements  # noqa: E402
from corpus import all_groups  # noqa: E402
from lib import stand  # noqa: E402
from lib.cluster import SUPERPASS, SUPERUSER, bindir  # noqa: E402
from lib.pgwire import SYNC, Conn, error_fields, parse, query  # noqa: E402

SETTINGS = [('options', '-c debug_print_rewritten=on -c debug_pretty_print=off -c client_min_messages=log')]


class Reader:
    """tree_dump as a process: a text in, its line out."""

    def __init__(self, program):
        self.p = subprocess.Popen([program, '--names'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.kinds, self.read, self.count = set(), {}, 0

    def __call__(self, detail):
        self.count += 1
        if detail in self.read:
            return self.read[detail]
        self.p.stdin.write(b'%d\n' % len(detail) + detail)
        self.p.stdin.flush()
        line = self.p.stdout.readline().decode().rstrip('\n')
        if not line:
            raise RuntimeError('tree_dump ended with %s' % self.p.wait())
        if line.startswith('ok '):
            self.kinds.update(line.split(' ')[2].split(','))
        if len(self.read) < 20000:
            self.read[detail] = line
        return line

    def end(self):
        self.p.stdin.close()
        return self.p.wait()


def trees(messages):
    out = []
    for kind, body in messages:
        if kind == b'N':
            fields = {part[:1]: part[1:] for part in body.split(b'\0') if part}
            if fields.get(b'M') == b'rewritten parse tree:':
                out.append(fields[b'D'])
    return out


def analyse(c, sql):
    """The trees of one statement, not executed; None: the server refuses it."""
    got = c.ask(parse(sql) + SYNC)
    if any(kind == b'E' for kind, _ in got):
        return None
    return trees(got)


def connect(place, user='dba', params=SETTINGS):
    return Conn.open(place.direct(), user, unix=True, params=params)


def wrong(read, sql, details):
    out = []
    for d in details or ():
        line = read(d)
        if not line.startswith('ok ') and 'is deeper than' not in line:
            out.append('%s: %s' % (sql[:300], line))
    return out


def test_statements(tap, read, c, save):
    faults = []
    for i, sql in enumerate(statements.lines(statements.STATEMENTS)):
        details = analyse(c, sql)
        faults += wrong(read, sql, details) if details else ['not analysed: %s' % sql]
        if save and details:
            with open(os.path.join(save, '%03d' % i), 'wb') as f:
                f.write(details[0])
    tap.result('statements', faults, '%d' % (i + 1))


def test_views(tap, read, c):
    names = c.rows("select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = relnamespace "
                   "where relkind in ('v', 'r', 'm', 'p') and nspname in ('pg_catalog', 'information_schema', 'public')")
    faults = []
    for (name,) in names:
        sql = 'select * from ' + name.decode()
        faults += wrong(read, sql, analyse(c, sql))
    tap.result('views and tables', faults, '%d' % len(names))


def test_psql(tap, read, c, place):
    commands = [r'\d', r'\d+ t', r'\d+ v', r'\d+ secret', r'\d+ part', r'\dt+', r'\dv+', r'\dm+', r'\di+', r'\ds', r'\df+', r'\da', r'\do', r'\dT+', r'\dD+', r'\du+', r'\dp',
                r'\dn+', r'\l+', r'\dx+', r'\dy', r'\des', r'\dew', r'\det', r'\dF+', r'\dFd', r'\dRp', r'\dRs', r'\db+', r'\dc', r'\dC', r'\dL+', r'\dO', r'\drds', r'\dX', r'\dA+', r'\dAc', r'\dAf',
                r'\dAo', r'\dAp', r'\dconfig', r'\dl', r'\sf twice', r'\sv v', r'\d customers', r'\d orders', r'\d visits', r'\dg', r'\ddp', r'\dS', r'\d pg_class', r'\dd']
    args = [os.path.join(bindir(), 'psql'), '-X', '-E', '-h', place.cluster.sockdir, '-p', str(place.cluster.port), '-U', SUPERUSER, '-d', 'shop']
    done = subprocess.run(args + [a for x in commands for a in ('-c', x)], capture_output=True, text=True, env=dict(os.environ, PGPASSWORD=SUPERPASS))
    found = re.findall(r'\*{9} QUERY \*{10}\n(.*?)\n\*{26}', done.stdout, re.S)
    faults = []
    for sql in found:
        faults += wrong(read, sql, analyse(c, sql))
    tap.result('what psql asks', faults if len(found) > 60 else faults + ['only %d queries' % len(found)], '%d' % len(found))


def texts(data):
    """SQL of the Query and Parse messages in a step."""
    at = 0
    while at + 5 <= len(data):
        length = struct.unpack_from('>I', data, at + 1)[0]
        body = data[at + 5:at + 1 + length].split(b'\0')
        if data[at:at + 1] == b'Q':
            yield body[0]
        elif data[at:at + 1] == b'P' and len(body) > 1:
            yield body[1]
        at += 1 + max(length, 4)


def test_corpus(tap, read, place, full):
    """Analysed each by itself; with --full run in order, so that what needs what went before is there as well."""
    faults, n, seen = [], 0, set()
    c = connect(place)
    for group in all_groups():
        for label, data, ends in group.steps:
            if not group.strict or not isinstance(ends, int) or data in seen:
                continue
            seen.add(data)
            if not full:
                for sql in texts(data):
                    details = analyse(c, sql) or []
                    n += len(details)
                    faults += wrong(read, label, details)
                continue
            try:
                got = c.send_and_read(data, ends)
            except Exception:  # the session ended, as some of the corpus means it to
                c.close()
                c = connect(place)
                continue
            details = trees(got)
            n += len(details)
            faults += wrong(read, label, details)
        if full:
            c.close()
            c = connect(place)
    tap.result('the end-to-end corpus', faults if n > 800 else faults + ['only %d trees' % n], '%d trees' % n)


GOLDEN = os.path.join(ROOT, 'src/tree/tree_golden_15.def')
ENTRY = re.compile(r'GOLDEN\((\w+),\n\t"(.*)",\n\t"([0-9a-f]*)"\)')


def test_golden(tap, read, c, args):
    """What the gate asks a server before it trusts its trees: the known hashes, and every kind of node that can be had without tables of our own."""
    with open(GOLDEN) as f:
        text = f.read()
    faults, known = [], {}
    for name, sql, hash_ in ENTRY.findall(text):
        details = analyse(c, sql.replace('\\"', '"').replace('\\\\', '\\'))
        if not details:
            faults.append('%s is not analysed' % name)
            continue
        known[name] = details[0]
        line = read(details[0])
        if line.split(' ')[1] != hash_:
            faults.append('%s: %s' % (name, line))
            text = text.replace(sql + '",\n\t"%s"' % hash_, sql + '",\n\t"%s"' % line.split(' ')[1])
    if args.write_golden:
        with open(GOLDEN, 'w') as f:
            f.write(text)
        for name, detail in known.items():
            with open(os.path.join(ROOT, 'tests/golden/tree15', name), 'wb') as f:
                f.write(detail)
    missing = set(re.findall(r'TREE_KIND\(\w+, "(\w+)"\)', open(os.path.join(ROOT, 'src/tree/tree_kind.def')).read())) - read.kinds - {'STRING', 'LIST'}
    print('# not in the golden trees: %s' % ' '.join(sorted(missing)))
    tap.result('golden trees', faults, '%d' % len(known))


def columns(line):
    """Names of the result columns that the reader read."""
    return [bytes.fromhex(x).decode() for x in line.split(' ')[3].split(',')]


def test_names(tap, read, c, rng):
    """Every name that is read is the name that was written; one that may have been broken is refused, and just for that."""
    faults, n, refused = [], 0, 0
    for sql, names in statements.wrapped(rng, 1500):
        details = analyse(c, sql)
        if not details:
            faults.append('not analysed: ' + repr(sql))
            continue
        n += 1
        line = read(details[0])
        if line.startswith('ok '):
            if columns(line) != names:
                faults.append('%r gave %r' % (names, columns(line)))
        elif 'may have been broken' in line:
            refused += 1
        else:
            faults.append('%r: %s' % (sql, line))
    if refused > n // 20:
        faults.append('%d of %d refused' % (refused, n))
    tap.result('names at the end of lines', faults, '%d read, %d refused' % (n - refused, refused))


def test_hostile(tap, read, c, rng):
    """With line feeds: read as it was, but for a line feed that may be a space; or refused."""
    faults, ok, refused = [], 0, 0
    cases = list(statements.hostile(rng, 3000))
    for i in range(1, 64):  # the known ones, at all places of a line
        for name in (':expr', '(' * 39, '(' * i, 'x' * i, 'a\nb' * (i // 3 + 1), '\n' * i, '(' * (i // 2) + '\n' + '(' * (i // 2), ':expr {VAR', '\\\n' * (i // 2 + 1), ' ' * i):
            for pad in ('', '1', '1, 22', '1, 22, 333'):
                cases.append(('select ' + (pad + ', ' if pad else '') + '1 as "%s", relname from pg_class' % name[:63], pad.count(',') + bool(pad), [name[:63], 'relname']))
    for sql, skip, names in cases:
        details = analyse(c, sql)
        if not details:
            continue
        line = read(details[0])
        if line.startswith('ok '):
            ok += 1
            got = columns(line)[skip:]
            if [x.replace('\n', ' ') for x in got] != [x.replace('\n', ' ') for x in names]:
                faults.append('%r gave %r' % (sql, got))
        elif line.startswith('refused'):
            refused += 1
        else:
            faults.append('%r: %s' % (sql, line))
    if ok < 500 or refused < 500:
        faults.append('%d read and %d refused: not much of a test' % (ok, refused))
    tap.result('hostile names', faults, '%d read, %d refused' % (ok, refused))


def test_cte(tap, read, c):
    """A WITH query's name is found by: a line feed in it is refused wherever it stands, never read as a space."""
    faults, refused, ok = [], 0, 0
    for pad in range(0, 79):
        for lf in ('\n', ' '):
            name = 'a%sb' % lf
            details = analyse(c, 'with "%s" as (select 1 as "%s") select * from "%s"' % (name, 'x' * (pad % 40 + 1) + ' y' * (pad // 40), name))
            line = read(details[0])
            ok += line.startswith('ok ')
            refused += line.startswith('refused')
            if lf == '\n' and line.startswith('ok '):
                faults.append('a line feed in the name of a WITH query was read: ' + line)
    if not ok or not refused:
        faults.append('%d read and %d refused: not much of a test' % (ok, refused))
    tap.result('names of WITH queries', faults, '%d read, %d refused' % (ok, refused))


def test_views_hash(tap, read, place):
    """The same view has the same hash whoever asks, and however it is asked for; another meaning has another."""
    root, plain = connect(place), connect(place, 'anna')
    root.rows('create view t_public as select id, upper(full_name) as name from customers where id > 5')
    root.rows('grant select on t_public to staff')

    def h(c, sql):
        return read(analyse(c, sql)[0]).split(' ')[-1]

    faults = []
    want = h(root, 'select * from t_public')
    for c, sql in ((plain, 'select * from t_public'), (plain, 'select b from t_public as "x y" (a, b)'), (plain, 'select 1 from t_public where id = 3'),
                   (plain, 'select t.name from t_public t join orders using (id)')):
        if h(c, sql) != want:
            faults.append('another hash of the view: ' + sql)
    root.rows('create or replace view t_public as select id, lower(full_name) as name from customers where id > 5')
    if h(plain, 'select * from t_public') == want:
        faults.append('the same hash of another view')
    tap.result('hash of a view', faults)


def body(tap, place, args):
    rng = random.Random(args.seed)
    c = connect(place)
    for sql in statements.lines(statements.SETUP):
        for kind, fields in c.ask(query(sql)):
            if kind == b'E':
                raise RuntimeError('%s: %s' % (sql, error_fields(fields)))
    c.rows('begin')
    c.rows('declare cur cursor for select * from t')
    c.rows('commit')
    read = Reader(args.binary)
    test_golden(tap, read, c, args)
    test_statements(tap, read, c, args.save)
    test_views(tap, read, c)
    test_psql(tap, read, c, place)
    test_names(tap, read, c, rng)
    test_hostile(tap, read, c, rng)
    test_cte(tap, read, c)
    test_views_hash(tap, read, place)
    test_corpus(tap, read, place, args.full)
    print('# %d trees; kinds: %s' % (read.count, ' '.join(sorted(read.kinds))))
    if read.end():
        tap.result('tree_dump', ['it ended with a failure'])


def arguments(p):
    p.add_argument('--write-golden', action='store_true', help='write what the server prints to src/tree/tree_golden_15.def and tests/golden/tree15')
    p.add_argument('--save', metavar='FOLDER', help='write the trees of the statements to it')


if __name__ == '__main__':
    sys.exit(stand.run(__doc__, 'tree', 7400, body, arguments=arguments))
