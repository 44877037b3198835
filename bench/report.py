"""The tables: figures beside their targets. Targets are goals for the reader to judge, no gate of a test."""

from enforce import STATEMENTS

MODES, CLIENTS = ('simple', 'extended', 'prepared'), (1, 8, 32)
IDLE_KIB, APPEND, VERIFY = 64, 300000, 1000000
MET, MISSED = 'met', '**not met**'


def figure(v):
    if v is None:
        return '-'
    if isinstance(v, str):
        return v
    if abs(v) >= 1000:
        return '{:,.0f}'.format(v)
    return '%.0f' % v if abs(v) >= 100 else '%.1f' % v if abs(v) >= 10 else '%.2f' % v


def table(heads, rows):
    out = ['| ' + ' | '.join(heads) + ' |', '|' + ' --- |' * len(heads)]
    out += ['| ' + ' | '.join(figure(c) for c in row) + ' |' for row in rows]
    return '\n'.join(out) + '\n'


class Goals:
    """Targets with what was found; a goal whose figures were not measured is left out."""

    def __init__(self, found):
        self.found, self.rows = found, []

    def get(self, series, name, field):
        return self.found.get((series, name), {}).get(field)

    def ratio(self, series, name, field, base='pgbouncer'):
        a, b = self.get(series, name, field), self.get(series, base, field)
        return a / b if a is not None and b else None

    def add(self, work, what, value, sign, limit):
        if value is not None:
            ok = value <= limit if sign == '<=' else value >= limit
            self.rows.append([work, what, value, '%s %s' % (sign, figure(limit) if isinstance(limit, float) else '{:,}'.format(limit)), MET if ok else MISSED])

    def queries(self):
        for mode in MODES:
            for clients in CLIENTS:
                s, work = 'queries.%s.%d' % (mode, clients), '%s, %d client%s' % (mode, clients, '' if clients == 1 else 's')
                self.add(work, 'observe: CPU x PgBouncer', self.ratio(s, 'observe', 'cpu'), '<=', 1.0)
                self.add(work, 'observe: tps x PgBouncer', self.ratio(s, 'observe', 'tps'), '>=', 1.0)
                self.add(work, 'observe: p50 x PgBouncer', self.ratio(s, 'observe', 'p50'), '<=', 1.0)
                self.add(work, 'write: CPU x PgBouncer', self.ratio(s, 'write', 'cpu'), '<=', 1.25)
                self.add(work, 'write: tps x PgBouncer', self.ratio(s, 'write', 'tps'), '>=', 0.9)
                if clients >= 32:
                    self.add(work, 'flush: tps x PgBouncer', self.ratio(s, 'flush', 'tps'), '>=', 0.8)
                if clients == 1 and self.get(s, 'flush', 'p50') is not None and self.get(s, 'write', 'p50') is not None:
                    sync = self.get('ledger', 'flush', 'fdatasync_p50_us')
                    added = self.get(s, 'flush', 'p50') - self.get(s, 'write', 'p50')
                    self.add(work, 'flush: p50 over write, in fdatasyncs', added / sync if sync else None, '<=', 1.2)

    def enforced(self):
        for statement in STATEMENTS:
            for what, words, limit in (('new', 'never seen', 100.0), ('seen', 'seen before', 10.0)):
                s = 'enforce-%s.%s' % (what, statement)
                a, b = self.get(s, 'enforce', 'p50'), self.get(s, 'pgbouncer', 'p50')
                self.add('%s, %s' % (statement, words), 'enforce: p50 over PgBouncer, us', a - b if a is not None and b else None, '<=', limit)
        for clients in CLIENTS:
            for mode in MODES:
                work = '%s, %d client%s, seen before' % (mode, clients, '' if clients == 1 else 's')
                self.add(work, 'enforce: CPU x PgBouncer', self.ratio('enforce.%s.%d' % (mode, clients), 'enforce', 'cpu'), '<=', 1.3)
                s = 'enforce-masked.%s.%d' % (mode, clients)
                self.add(work, 'enforce-write: CPU x PgBouncer', self.ratio(s, 'enforce-write', 'cpu'), '<=', 1.3)
                if clients >= 32:
                    self.add(work, 'enforce-flush: tps x PgBouncer', self.ratio(s, 'enforce-flush', 'tps'), '>=', 0.8)
        for name in ('enforce-write', 'enforce-flush'):
            self.add('streaming, masked and recorded', name + ': CPU s/GB x PgBouncer', self.ratio('enforce-stream', name, 'cpu'), '<=', 0.9)
        self.add('idle session', 'enforce, has queried: KiB', self.get('idle', 'enforce, has queried', 'kib'), '<=', IDLE_KIB)

    def rest(self):
        self.add('streaming', 'observe: CPU s/GB x PgBouncer', self.ratio('stream', 'observe', 'cpu'), '<=', 0.3)
        self.add('streaming', 'write: CPU s/GB x PgBouncer', self.ratio('stream', 'write', 'cpu'), '<=', 0.7)
        self.add('streaming', 'flush: CPU s/GB x PgBouncer', self.ratio('stream', 'flush', 'cpu'), '<=', 0.7)
        self.add('log-ins with TLS', 'observe: rate x PgBouncer', self.ratio('logins-tls', 'observe', 'rate'), '>=', 1.0)
        for name in ('observe, logged in', 'observe, has queried', 'flush, has queried'):
            self.add('idle session', name + ': KiB', self.get('idle', name, 'kib'), '<=', IDLE_KIB)
        self.add('ledger', 'entries/s appended, flush', self.get('ledger', 'flush', 'append_per_s'), '>=', APPEND)
        self.add('ledger', 'entries/s verified', self.get('ledger', 'flush', 'verify_per_s'), '>=', VERIFY)


def report(about, found):
    goals = Goals(found)
    goals.queries()
    goals.rest()
    goals.enforced()
    met = sum(row[4] == MET for row in goals.rows)
    out = ['# Measurements', '',
           'Written by `make bench` (bench/run.py); the last whole run stands here. Compare figures only within one run: the load of the machine is in',
           'all of them. `observe`: answers without subjects; `write`, `flush`: every answer recorded with that `ledger_durability`. CPU: user and system time',
           'of the proxy\'s processes; for gatehouse the gate\'s and the keeper\'s together, tiles and checkpoint included. `enforce`: an enforced session',
           'whose answers have no subjects; `enforce-write`, `enforce-flush`: one whose every answer is recorded.', '']
    out += ['- %s: %s' % (k, '`%s`' % v if k == 'command' else v) for k, v in about.items()]
    out += ['', '## Targets: %d of %d met' % (met, len(goals.rows)), '',
            table(['work', 'what', 'found', 'target', ''], goals.rows)]

    def section(title, heads, prefix, fields):
        rows = []
        for (series, name), f in found.items():
            if series == prefix or series.startswith(prefix + '.'):
                def of(k, endpoint='pgbouncer', at=series):
                    return goals.get(at, endpoint, k)
                rows.append([series.partition('.')[2] or series, name] + [value(f, of) for value in fields])
        if rows:
            order = list(dict.fromkeys(r[0] for r in rows))
            rows.sort(key=lambda r: (order.index(r[0]), ENDPOINTS.index(r[1]) if r[1] in ENDPOINTS else 99))
            out.extend(['## ' + title, '', table(heads, rows)])

    def plain(k):
        return lambda f, of: f.get(k)

    def beside(k):
        return lambda f, of: f[k] / of(k) if f.get(k) is not None and of(k) else None

    def over(endpoint):
        return lambda f, of: f['p50'] - of('p50', endpoint) if of('p50', endpoint) is not None else None
    queries = (['load', 'endpoint', 'tps', 'x PgBouncer', 'p50 us', 'p99 us', 'CPU us/txn', 'x PgBouncer', 'of it gate', 'keeper'],
               [plain('tps'), beside('tps'), plain('p50'), plain('p99'), plain('cpu'), beside('cpu'), plain('cpu_gate'), plain('cpu_keeper')])
    section('pgbench -S over TCP', queries[0], 'queries', queries[1])
    section('The same, TLS between client and proxy', queries[0], 'tls', queries[1])
    latency = (['statement', 'endpoint', 'p50 us', 'over direct', 'over PgBouncer', 'p99 us', 'CPU us each', 'x PgBouncer'],
               [plain('p50'), over('direct'), over('pgbouncer'), plain('p99'), plain('cpu'), beside('cpu')])
    section('Statements never seen before, one client, simple protocol', latency[0], 'enforce-new', latency[1])
    section('The same statements, seen before', latency[0], 'enforce-seen', latency[1])
    section('Enforced, seen before, nothing to record', queries[0], 'enforce', queries[1])
    section('Enforced, seen before, a masked column, every answer recorded', queries[0], 'enforce-masked', queries[1])
    streams = (['load', 'endpoint', 'MB/s', 'CPU s/GB', 'x PgBouncer', 'of it gate', 'keeper', 'proxy grew by MiB'],
               [plain('rate'), plain('cpu'), beside('cpu'), plain('cpu_gate'), plain('cpu_keeper'), plain('grown')])
    section('Streaming', streams[0], 'stream', streams[1])
    section('Streaming with masked columns, every row recorded', streams[0], 'enforce-stream', streams[1])
    for series, title in (('logins', 'Log-ins (pgbench -C, 8 clients)'), ('logins-tls', 'Log-ins with TLS')):
        section(title, ['load', 'endpoint', 'per second', 'x PgBouncer', 'proxy CPU us each'], series,
                [plain('rate'), beside('rate'), plain('cpu')])
    section('Memory of idle sessions', ['load', 'endpoint', 'KiB each'], 'idle', [plain('kib')])
    section('Ledger alone (300-byte entries, batches of 256)', ['load', 'durability', 'appended/s', 'under a checkpoint/s', 'CPU us each', 'verified/s', 'fdatasync p50 us', 'p99'],
            'ledger', [plain('append_per_s'), plain('published_per_s'), plain('append_cpu_us'), plain('verify_per_s'), plain('fdatasync_p50_us'),
                       plain('fdatasync_p99_us')])
    section('Budgets alone (a million people seen, each taken in two accounts with three windows, and settled)',
            ['load', 'sessions', 'new people/s', 'seen before/s', 'refused/s', 'bytes per mark'], 'budgets',
            [plain('new_per_s'), plain('again_per_s'), plain('refused_per_s'), plain('bytes_per_mark')])
    return '\n'.join(out).rstrip('\n') + '\n'


ENDPOINTS = ['direct', 'pgbouncer', 'observe', 'write', 'flush', 'enforce', 'enforce-write', 'enforce-flush']
