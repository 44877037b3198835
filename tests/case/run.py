#!/usr/bin/python3
"""Reasons against PostgreSQL itself: tickets are asked for over one connection for all who wait, with the help of an index, cached for a moment and never longer; the
server may be restarted, the table may be locked, dropped, made anew; look-ups that came before their ticket are settled when it comes."""
import os
import queue
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'e2e')]
sys.dont_write_bytecode = True

from lib import stand  # noqa: E402

SQL = """
DROP TABLE tickets;
CREATE TABLE tickets (number text PRIMARY KEY, customer_id bigint, assigned text, opened_by text, team text, opened timestamptz, closed timestamptz);
CREATE INDEX tickets_customer ON tickets (customer_id);
CREATE INDEX tickets_opened ON tickets (opened);
GRANT SELECT ON tickets TO gatehouse_control;
INSERT INTO tickets VALUES
  ('T1', 1, 'wang', 'desk', 'B2', now() - interval '1 hour', NULL), ('T2', 2, 'li', 'desk', '', now() - interval '1 hour', NULL),
  ('T3', 3, 'wang', 'wang', 'B2', now() - interval '1 hour', NULL), ('T4', 4, 'gus', 'desk', 'Z1', now() - interval '1 hour', NULL),
  ('T5', 5, 'wang', 'desk', 'B2', now() - interval '9 days', now() - interval '2 days'), ('T6', 6, 'wang', 'desk', 'B2', now() - interval '9 days', 'infinity'),
  ('T7', 7, 'wang', 'desk', 'B2', now() + interval '20 minutes', NULL), ('T8', 8, '', 'desk', 'B2', '-infinity', NULL);
CREATE DOMAIN customer_number AS int CHECK (value > 0);
CREATE TABLE odd (number int, "Who ""is"" it" customer_number, assigned varchar(40), opened timestamp, closed timestamp);
GRANT SELECT ON odd TO gatehouse_control;
CREATE INDEX ON odd ("Who ""is"" it");
INSERT INTO odd VALUES (1, 11, 'wang', now() at time zone 'UTC', NULL), (2, 12, 'wang', '2020-01-01', '2020-01-02');
CREATE TABLE bare (number bigint, customer_id text, assigned name, state text);
GRANT SELECT ON bare TO gatehouse_control;
INSERT INTO bare VALUES (1, '21', 'wang', 'open'), (2, '22', 'wang', 'done');
"""
PEOPLE = 'role,employer,team\nwang,Acme,B2\nli,Acme,C1\ngus,Bell,B2\n'
SUBJECT = 'policy "case" version 1 {\n  subject customer { table public.customers key id phone phone country 86 }\n'
TICKETS = ('  case from table public.tickets {\n    case number subject customer_id person assigned opener opened_by team team opened opened closed closed\n%s  }\n')
ODD = '  case from table odd { case number subject "Who ""is"" it" person assigned opened opened closed closed }\n'
BARE = '  case from table bare { case number subject customer_id person assigned\n    open where state = \'open\'\n  }\n'
WANG = ('wang', 'Acme', 'B2')


class Drive:
    """case_drive as a process."""

    def __init__(self, place, name, policy, **settings):
        self.folder = os.path.join(place.folder, name)
        os.makedirs(self.folder)
        self.policy = os.path.join(self.folder, 'policy.gate')
        self.write(policy)
        with open(os.path.join(self.folder, 'people.csv'), 'w') as f:
            f.write(PEOPLE)
        with open(os.path.join(self.folder, 'mark.keys'), 'w') as f:
            now = time.gmtime().tm_year
            f.write(''.join('%d %064x\n' % (y, y) for y in (now - 1, now, now + 1)))
        os.chmod(os.path.join(self.folder, 'mark.keys'), 0o600)
        conf = {'database': 'shop', 'server_host': place.cluster.sockdir, 'server_port': place.cluster.port, 'policy': 'policy.gate', 'people': 'people.csv',
                'mask_key': '', 'ledger_origin': 'gatehouse.example/ledger/case', 'case_cache': '5s', 'case_settle': '1min',
                'control': 'host=%s port=%d dbname=shop user=gatehouse_control password=control-Secret-5' % (place.cluster.sockdir, place.cluster.port)}
        conf.update(settings)
        self.conf = os.path.join(self.folder, 'gatehouse.conf')
        with open(self.conf, 'w') as f:
            f.write(''.join('%s = "%s"\n' % pair for pair in conf.items()))
        self.log = open(os.path.join(self.folder, 'log'), 'wb')
        self.p = subprocess.Popen([place.binary, self.conf], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1)
        self.lines, self.n = queue.Queue(), 0
        threading.Thread(target=lambda: [self.lines.put(x.rstrip('\n')) for x in self.p.stdout], daemon=True).start()

    def write(self, policy):
        with open(self.policy, 'w') as f:
            f.write(SUBJECT + policy + '}\n')

    def send(self, *words):
        self.p.stdin.write('\t'.join(str(w) for w in words) + '\n')

    def get(self, limit=20):
        try:
            return self.lines.get(timeout=limit)
        except queue.Empty:
            return 'nothing within %s s; see %s' % (limit, self.log.name)

    def post(self, keys, who=WANG, declared=''):
        self.n += 1
        self.send('ask', self.n, *who, declared, *keys)
        return self.n

    def ask(self, *keys, who=WANG, declared='', limit=20):
        """['asked', 'explained,weak'], ['failed', why]"""
        tag = self.post(keys, who, declared)
        got = self.get(limit).split(' ', 3)
        return got[2:] if got[:2] == ['answer', str(tag)] else got

    def numbers(self):
        self.send('numbers')
        return dict(zip(('hits', 'misses', 'queries', 'cached', 'pending', 'failed'), map(int, self.get().split(' ')[1:])))

    def end(self):
        """What went wrong, at last."""
        self.p.stdin.close()
        status = self.p.wait(60)
        self.log.close()
        with open(self.log.name, errors='replace') as f:
            bad = [x.strip() for x in f if any(w in x for w in ('Sanitizer', 'runtime error:', 'Assertion', 'SUMMARY:'))]
        return bad + (['case_drive ended with %s; see %s' % (status, self.log.name)] if status else [])


def differ(got, want, what):
    return [] if got == want else ['%s: got %r, wanted %r' % (what, got, want)]


def test_classes(tap, place):
    d = Drive(place, 'classes', TICKETS % '')
    faults = differ(d.ask(1, 2, 3, 4, 5, 6, 7, 8, 9), ['asked', 'explained,explained,weak,weak,unexplained,explained,explained,explained,unexplained'], 'wang')
    faults += differ(d.ask(1, 2, 4, who=('gus', 'Bell', 'B2')), ['cached', 'weak,weak,explained'], 'gus: the same tickets, weighed anew')
    faults += differ(d.ask(1, 2, 3, declared='T1'), ['cached', 'explained,unexplained,unexplained'], 'declared')
    faults += differ(d.ask(1, 99, declared='T2'), ['asked', 'unexplained,unexplained'], 'the declared case is another subject\'s')
    n = d.numbers()
    faults += differ((n['hits'], n['misses'], n['queries'], n['cached'], n['failed']), (7, 10, 2, 10, 0), 'numbers')
    tap.result('classes', faults + d.end())


def test_forms(tap, place):
    """Odd names, a domain over int, a timestamp without zone; then a table with neither times nor openers, and a text column for a bigint key."""
    d = Drive(place, 'odd', ODD)
    faults = differ(d.ask(11, 12, 13), ['asked', 'explained,unexplained,unexplained'], 'odd')
    faults += differ(d.ask(11, 'abc', '99999999999', '-1', '', 'x"y\\', "'", 12), ['asked', 'explained' + ',unexplained' * 7], 'keys that are no int')
    faults += differ(d.ask('abc', 11), ['cached', 'unexplained,explained'], 'they are cached like others')
    faults += d.end()
    d = Drive(place, 'bare', BARE)
    faults += differ(d.ask(21, 22, 23, 'Robert\'); drop table bare'), ['asked', 'explained,unexplained,unexplained,unexplained'], 'bare')
    tap.result('forms of tables', faults + d.end())


def test_batch(tap, place):
    """Many sessions at once: few queries, and every answer is right."""
    d = Drive(place, 'batch', TICKETS % '')
    faults = []
    d.ask(1)
    want = {}
    for i in range(2000):
        keys = [1 + (i * 7 + k) % 1500 for k in range(1 + i % 3)]
        tag = d.post(keys)
        want[str(tag)] = ','.join({1: 'explained', 2: 'explained', 3: 'weak', 4: 'weak', 6: 'explained', 7: 'explained', 8: 'explained'}.get(k, 'unexplained') for k in keys)
    for _ in range(2000):
        got = d.get().split(' ')
        if len(got) != 4 or want.pop(got[1], None) != got[3]:
            faults.append('got %r' % got)
    n = d.numbers()
    if n['queries'] > 1000 or n['failed']:
        faults.append('%r' % n)
    tap.result('many at once', faults + d.end(), '%d questions, %d queries' % (2001, n['queries']))


def test_cache(tap, place):
    """A ticket that is closed or given away is seen at the latest when the cache's time is over."""
    d = Drive(place, 'cache', TICKETS % '', case_cache='700ms')
    place.cluster.psql("INSERT INTO tickets VALUES ('T30', 30, 'wang', 'desk', 'B2', now(), NULL)")
    faults = differ(d.ask(30), ['asked', 'explained'], 'first')
    place.cluster.psql("UPDATE tickets SET assigned = 'gus', team = 'Z1' WHERE number = 'T30'")
    faults += differ(d.ask(30), ['cached', 'explained'], 'within its time')
    time.sleep(0.75)
    faults += differ(d.ask(30), ['asked', 'weak'], 'behind its time')
    time.sleep(2)
    faults += differ(d.numbers()['cached'], 0, 'forgotten without being asked for')
    faults += d.end()
    d = Drive(place, 'nocache', TICKETS % '', case_cache='0')
    faults += differ([d.ask(1)[0], d.ask(1)[0], d.numbers()['cached']], ['asked', 'asked', 0], 'case_cache = 0')
    tap.result('cache', faults + d.end())


def test_failures(tap, place):
    d = Drive(place, 'failures', TICKETS % '', case_cache='200ms')
    faults = differ(d.ask(1), ['asked', 'explained'], 'before')
    place.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse cases'")
    time.sleep(0.3)
    faults += differ(d.ask(1), ['asked', 'explained'], 'after its connection was cut')
    place.cluster.psql('ALTER TABLE tickets RENAME TO tickets_old')
    time.sleep(0.3)
    got = d.ask(1)
    if got[0] != 'failed' or 'tickets' not in ' '.join(got):
        faults.append('without the table: %r' % got)
    place.cluster.psql('CREATE TABLE tickets AS SELECT * FROM tickets_old; GRANT SELECT ON tickets TO gatehouse_control')
    got = d.ask(1)
    if got[0] != 'failed' or 'reload' not in ' '.join(got):
        faults.append('another table took its name: %r' % got)
    place.cluster.psql('DROP TABLE tickets; ALTER TABLE tickets_old RENAME TO tickets; REVOKE SELECT ON tickets FROM gatehouse_control')
    got = d.ask(1)
    if got[0] != 'failed' or 'permission denied' not in ' '.join(got):
        faults.append('without the right: %r' % got)
    place.cluster.psql('GRANT SELECT ON tickets TO gatehouse_control')
    faults += differ(d.ask(1), ['asked', 'explained'], 'again')
    holder = subprocess.Popen(['psql', '-X', '-q', '-h', place.cluster.sockdir, '-p', str(place.cluster.port), '-U', 'postgres', '-d', 'shop', '-c',
                               'BEGIN; LOCK TABLE tickets; SELECT pg_sleep(8)'], env=dict(os.environ, PGPASSWORD='bootstrap-9'))
    time.sleep(0.5)
    begin = time.monotonic()
    got = d.ask(2)
    if got[0] != 'failed' or 'timeout' not in ' '.join(got) or not 4 < time.monotonic() - begin < 8:
        faults.append('a locked table: %r' % got)
    holder.kill()
    holder.wait()
    place.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(8)%' AND pid <> pg_backend_pid()")
    faults += differ(d.ask(2), ['asked', 'explained'], 'unlocked')
    place.cluster.stop(signal.SIGINT)
    got = d.ask(1)
    if got[0] != 'failed':
        faults.append('the server is down: %r' % got)
    place.cluster.start()
    faults += differ(d.ask(1), ['asked', 'explained'], 'the server is up again')
    n = d.numbers()
    faults += differ(n['failed'], 5, 'failed')
    with open(d.log.name) as f:
        log = f.read()
    if log.count('cannot be explained') > 6 or 'can be explained again' not in log:
        faults.append('the log: %s' % log[-500:])
    tap.result('failures', faults + d.end())


def test_reload(tap, place):
    """What was cached of another policy is forgotten."""
    d = Drive(place, 'reload', TICKETS % '', case_cache='1min')
    faults = differ([d.ask(1, 21), d.ask(1, 21)], [['asked', 'explained,unexplained'], ['cached', 'explained,unexplained']], 'one policy')
    d.send('reload')
    faults += differ([d.get(), d.ask(1)], ['reloaded', ['cached', 'explained']], 'the same again')
    d.write(BARE)
    d.send('reload')
    faults += differ([d.get(), d.ask(1, 21)], ['reloaded', ['asked', 'unexplained,explained']], 'another')
    d.write('')
    d.send('reload')
    faults += differ([d.get(), d.ask(1)[0]], ['reloaded', 'failed'], 'none')
    tap.result('reload', faults + d.end())


def test_settle(tap, place):
    d = Drive(place, 'settle', TICKETS % '', case_settle='50ms')
    faults = []

    def pending(seq, ago, key, actor='wang', declared=''):
        d.send('pending', 'S1', seq, ago, actor, 'Acme' if actor != 'gus' else 'Bell', 'B2', declared, key)

    pending(1, 600, 101)
    pending(2, 600, 102)
    pending(3, 600, 101, declared='T999')
    pending(4, 600, 101, 'gus')
    pending(5, 3600 * 24 * 8, 103)
    faults += differ(d.get(), 'orphan S1 5', 'eight days old, and no ticket came')
    time.sleep(0.3)
    place.cluster.psql("INSERT INTO tickets VALUES ('T101', 101, 'li', 'desk', 'C1', now(), NULL)")
    faults += differ(d.get(), 'settled S1 1 explained T101', 'a colleague\'s ticket ten minutes later')
    place.cluster.psql("INSERT INTO tickets VALUES ('T102', 102, 'wang', 'wang', 'C1', now(), NULL)")
    faults += differ(d.get(0.5)[:7], 'nothing', 'a weak one settles nothing')
    place.cluster.psql("INSERT INTO tickets VALUES ('T999', 101, 'wang', 'desk', 'C1', now(), NULL)")
    faults += differ(d.get(), 'settled S1 3 explained T999', 'the declared one')
    # Written down late, and given to him later: found by a whole search.
    pending(6, 3600 * 30, 104)
    pending(7, 3600 * 30, 105)
    place.cluster.psql("INSERT INTO tickets VALUES ('T104', 104, 'wang', 'desk', 'B2', now() - interval '30 hours', now() - interval '20 hours')")
    faults += differ(d.get(), 'settled S1 6 explained T104', 'written down late')
    faults += differ(d.numbers()['pending'], 3, 'waiting')
    d.send('was', 'S1', 7, 105)
    d.send('was', 'S1', 99, 105)
    faults += differ(d.numbers()['pending'], 2, 'settled before')
    # The server goes away; nothing becomes an orphan meanwhile, and the search comes back by itself.
    place.cluster.stop(signal.SIGINT)
    pending(8, 3600 * 24 * 8, 106)
    pending(9, 60, 107)
    faults += differ(d.get(1)[:7], 'nothing', 'nobody can say')
    place.cluster.start()
    place.cluster.psql("INSERT INTO tickets VALUES ('T107', 107, 'wang', 'desk', 'C1', now(), NULL)")
    faults += differ(sorted([d.get(), d.get()]), ['orphan S1 8', 'settled S1 9 explained T107'], 'the server is back')
    tap.result('settling', faults + d.end())


def test_settle_open(tap, place):
    """Without opening times: open tickets, now and then."""
    d = Drive(place, 'settle-open', BARE, case_settle='20ms')
    d.send('pending', 'S2', 1, 600, *WANG, '', 22)
    d.send('pending', 'S2', 2, 600, *WANG, '', 29)
    faults = differ(d.get(0.5)[:7], 'nothing', 'closed')
    place.cluster.psql("INSERT INTO bare VALUES (9, '29', 'wang', 'open')")
    faults += differ(d.get(), 'settled S2 2 explained 9', 'open')
    tap.result('settling without times', faults + d.end())


def test_settle_many(tap, place):
    """Many late tickets: pages; questions are answered in between."""
    d = Drive(place, 'settle-many', TICKETS % '', case_settle='500ms')
    for i in range(3000):
        d.send('pending', 'S3', i, 60, *WANG, '', 300000 + i)
    place.cluster.psql("INSERT INTO tickets SELECT 'M' || i, 200000 + i, 'wang', 'desk', 'B2', now(), NULL FROM generate_series(1, 102000) i")
    seen, faults, answers = set(), [], 0
    tag = d.post([1])
    while len(seen) < 2001 or not answers:
        got = d.get().split(' ')
        if got[0] == 'answer':
            answers += got == ['answer', str(tag), 'asked', 'explained']
        elif got[0] == 'settled' and got[4] == 'M%d' % (100000 + int(got[2])):
            seen.add(int(got[2]))
        else:
            faults.append('got %r' % got)
            break
    faults += differ(d.numbers()['pending'], 999, 'waiting')
    place.cluster.psql("DELETE FROM tickets WHERE number LIKE 'M%'")
    tap.result('settling many', faults + d.end())


def test_index(tap, place):
    """On a million tickets: both plans of the prepared query use the index on the subject, however many keys are asked for."""
    place.cluster.psql("INSERT INTO tickets SELECT 'B' || i, 1000000 + i % 400000, 'wang', 'desk', 'B2', now() - interval '20 days' - i * interval '1 s', "
                       "now() - interval '15 days' FROM generate_series(1, 1000000) i; ANALYZE tickets")
    d = Drive(place, 'index', TICKETS % '    open where closed is null\n')
    d.send('sql')
    sql = d.get()[4:]
    faults = []
    for mode in ('force_custom_plan', 'force_generic_plan'):
        for keys in ('{5}', '{%s}' % ','.join(str(1000000 + i * 37) for i in range(1024))):
            plan = place.cluster.psql("SET plan_cache_mode = %s; PREPARE q AS %s; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE q('%s')" % (mode, sql, keys))
            if 'tickets_customer' not in plan or 'Seq Scan' in plan or 'tickets_opened' in plan:
                faults.append('%s: %s' % (mode, plan))
            took = plan.split('Execution Time: ')[1]
    begin = time.monotonic()
    for i in range(1000):
        got = d.ask(1000000 + i)
        if got != ['asked', 'unexplained']:
            faults.append('got %r' % got)
            break
    each = (time.monotonic() - begin) / 1000
    plan = place.cluster.psql("EXPLAIN (COSTS OFF) SELECT 1 FROM tickets WHERE opened >= to_timestamp(%d)" % (time.time() - 3600))
    if 'tickets_opened' not in plan:
        faults.append(plan)
    tap.result('index', faults + d.end(), '1024 subjects of a million tickets in %s; one at a time in %.2f ms' % (took, each * 1000))


def body(tap, place, args):
    place.binary = args.binary
    for name, function in sorted(globals().items(), key=lambda pair: getattr(getattr(pair[1], '__code__', None), 'co_firstlineno', 0)):
        if name.startswith('test_') and tap.wanted(name):
            function(tap, place)


if __name__ == '__main__':
    sys.exit(stand.run(__doc__, 'case', 7650, body, sql=SQL))
