#!/usr/bin/python3
"""What it costs to ask the company's tickets about every look-up: enforced sessions whose look-ups are explained by `case from`, beside such that are not.

    bench/cases.py --gatehouse PROGRAM [--lookups N] [--customers N] [--tickets N] [--clients N] [--rounds N] [--need-case] [--quick] [--keep]

One prepared SELECT by primary key per look-up, pgbench. The customer is drawn evenly from all, or by Zipf's law (a few are asked for all the time). Each round runs both
gates one after the other, beginning with another one each time; --lookups is the number for each gate and skew. Shown: latency p50 and p99 as the client sees it, what is added, and how
many subjects were found in the gate's cache. Both gates record every look-up (ledger_durability = write); tickets are cached for 5 s.
Ports from GATEHOUSE_E2E_PORTS (7700) up."""
import argparse
import os
import shutil
import sys
import tempfile
import urllib.request

sys.dont_write_bytecode = True
import measure  # noqa: E402
import servers  # noqa: E402
from servers import AUTH, DATABASE, cluster, ports, tls  # noqa: E402

SCHEMA = AUTH + """
CREATE ROLE clerk LOGIN PASSWORD 'bench-Secret-1';
CREATE TABLE people (id bigint PRIMARY KEY, full_name text, phone text);
INSERT INTO people SELECT i, 'Customer Number ' || i, '138' || lpad(i::text, 8, '0') FROM generate_series(1, {customers}) i;
CREATE TABLE tickets (number bigint PRIMARY KEY, person_id bigint NOT NULL, assigned text, opened_by text, team text, opened timestamptz, closed timestamptz);
INSERT INTO tickets SELECT i, 1 + (i::bigint * 7919) % {customers}, CASE WHEN i % 3 = 0 THEN 'clerk' ELSE 'other' || i % 50 END, 'desk', CASE WHEN i % 2 = 0 THEN 'Support' ELSE 'Sales' END,
  now() - (i % 500) * interval '1 hour', CASE WHEN i % 4 = 0 THEN now() - (i % 90) * interval '1 hour' END FROM generate_series(1, {tickets}) i;
CREATE INDEX ON tickets (person_id);
CREATE INDEX ON tickets (opened);
GRANT SELECT ON people TO clerk;
GRANT SELECT ON tickets TO gatehouse_control;
"""
HEAD = """policy "bench" version 1 {
  purpose "measuring"
  owner "bench"
  treat observe
  subject person { table public.people key id phone phone country 86 }
"""
GROUP = """  group staff {
    treat enforce
    on table public.people { allow read show id, full_name mask phone as last 4 }
%s  }
}
"""
CASES = """  case from table public.tickets {
    case number subject person_id person assigned opener opened_by team team opened opened closed closed
    open where closed is null
  }
"""
SKEWS = (('uniform', 'random(1, %d)'), ('zipf 1.1', 'random_zipfian(1, %d, 1.1)'))
COUNTERS = ('case_hits_total', 'case_misses_total', 'case_queries_total', 'cases_failed_total')


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--gatehouse', required=True)
    p.add_argument('--lookups', type=int, default=1000000)
    p.add_argument('--customers', type=int, default=1000000)
    p.add_argument('--tickets', type=int, default=300000)
    p.add_argument('--clients', type=int, default=8)
    p.add_argument('--rounds', type=int, default=4)
    p.add_argument('--workers', type=int, default=0)
    p.add_argument('--need-case', action='store_true', help='the group needs a case, too, and one is declared: nearly all look-ups are unexplained then')
    p.add_argument('--quick', action='store_true', help='a fiftieth: to see that it works')
    p.add_argument('--keep', action='store_true', help='keep the private folder')
    args = p.parse_args()
    args.gatehouse = os.path.abspath(args.gatehouse)
    if args.quick:
        args.lookups, args.customers, args.tickets, args.rounds = args.lookups // 50, args.customers // 50, args.tickets // 50, 2
    return args


class Gate(servers.Gate):
    """One that tells its counters."""

    def __init__(self, name, folder, binary, server, authority, policy, workers, settings):
        self.metrics = ports.free_port()
        super().__init__(name, folder, binary, server, authority, policy, workers,
                         dict(settings, metrics='127.0.0.1:%d' % self.metrics, case_settle='0', ledger_durability='write'))
        self.records = True

    def counters(self):
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % self.metrics, timeout=10) as r:
            lines = [x.split(' ') for x in r.read().decode().splitlines() if x.startswith('gatehouse_case')]
        found = {name[len('gatehouse_'):]: float(value) for name, value in lines}
        return [found.get(name, 0.0) for name in COUNTERS]


def world(args, folder, running):
    os.chmod(folder, 0o755)
    ports.claims = os.path.join(folder, 'ports')
    os.makedirs(ports.claims)
    authority = tls.Authority(os.path.join(folder, 'ca'))
    server = cluster.Cluster(os.path.join(folder, 'db'), ports.free_port(), authority)
    server.init()
    with open(os.path.join(server.data, 'postgresql.conf'), 'a') as f:
        f.write('shared_buffers = 512MB\n')
    server.start()
    running.append(server)
    server.psql('CREATE DATABASE ' + DATABASE, database='postgres')
    server.psql(SCHEMA.format(customers=args.customers, tickets=args.tickets))
    server.psql('VACUUM ANALYZE')
    server.psql('CHECKPOINT')
    gates = []
    rule = '    unexplained count\n' + ('    need case\n' if args.need_case else '')
    for name, policy in (('without', HEAD + GROUP % ''), ('cases', HEAD + CASES + GROUP % rule)):
        g = Gate(name, os.path.join(folder, name), args.gatehouse, server, authority, policy, args.workers, {})
        g.start()
        running.append(g)
        gates.append(g)
    return gates


def lookups(g, folder, args, script, times):
    each = args.lookups // args.rounds // args.clients
    options = ['-M', 'prepared', '-c', str(args.clients), '-j', '2', '-t', str(each), '-l', '--log-prefix=latency']
    before = g.counters()
    count, tps, cpu = measure.pgbench(g, folder, options, script=script)
    g.expected += count
    times.setdefault('us', []).extend(measure.latencies(folder))
    for key, value in (('count', count), ('seconds', count / tps), ('cpu', sum(cpu.values()))):
        times[key] = times.get(key, 0) + value
    times['counters'] = [a + b - c for a, b, c in zip(times.get('counters', [0] * len(COUNTERS)), g.counters(), before)]


def show(name, got, base=None):
    us = sorted(got['us'])
    p50, p99 = measure.percentile(us, 0.5), measure.percentile(us, 0.99)
    hits, misses, queries, failed = got['counters']
    line = '| %s | %d | %.0f | %d | %d | %.1f |' % (name, got['count'], got['count'] / got['seconds'], p50, p99, got['cpu'] / got['count'])
    if base:
        first = sorted(base['us'])
        asked = hits + misses
        line += ' %+d | %+d | %s | %s | %d |' % (p50 - measure.percentile(first, 0.5), p99 - measure.percentile(first, 0.99), '%.1f %%' % (100 * hits / asked) if asked else 'n/a',
                                              '%.1f' % (misses / queries) if queries else 'n/a', failed)
    else:
        line += ' | | | | |'
    print(line, flush=True)


def run(args, folder, running):
    gates = world(args, folder, running)
    if args.need_case:
        os.environ['PGOPTIONS'] = '-c gatehouse.case=1'
    print('| look-ups | number | per second | p50, us | p99, us | CPU of the gate, us | added p50 | added p99 | from the cache | subjects of a query | failed |')
    print('| --- |' + ' --- |' * 10)
    for skew, draw in SKEWS:
        script = '\\set id %s\nSELECT id, full_name, phone FROM people WHERE id = :id;\n' % (draw % args.customers)
        figures = {g.name: {} for g in gates}
        for n in range(args.rounds):
            for g in gates if n % 2 == 0 else gates[::-1]:
                lookups(g, folder, args, script, figures[g.name])
        show(skew + ', not asked', figures['without'])
        show(skew + ', explained by tickets', figures['cases'], figures['without'])
        if figures['cases']['counters'][3]:
            raise RuntimeError('look-ups could not be explained; see ' + gates[1].gate.log)
    for g in gates:
        g.round_done()  # verifies its ledger


def main():
    args = arguments()
    folder, running = tempfile.mkdtemp(prefix='gh-cases-', dir='/tmp'), []
    try:
        run(args, folder, running)
    finally:
        for each in reversed(running):
            each.stop()
        if args.keep:
            print('#', folder, file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
