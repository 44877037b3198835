#!/usr/bin/python3
"""What the gate costs, beside PgBouncer (session mode) and a direct connection, in interleaved runs on this machine.

    bench/run.py --gatehouse PROGRAM --tools FOLDER [--quick] [--rounds N] [--seconds S] [--only PATTERN ...] [--keep]

`make bench` runs it (BENCH_OPTIONS='--quick'). In each round every endpoint gets the same load one after the other, beginning with another one each
time; the table shows medians over the rounds. Compare only within one run: the machine, its load and PostgreSQL itself are in every
figure. A whole run that is not --quick also writes bench/RESULTS.md. Series: queries.MODE.CLIENTS, tls.MODE.CLIENTS, stream, logins, logins-tls, idle, ledger, budgets,
enforce-new.STATEMENT, enforce-seen.STATEMENT, enforce.MODE.CLIENTS, enforce-masked.MODE.CLIENTS, enforce-stream; --only takes shell patterns of these. Ports from GATEHOUSE_E2E_PORTS (7700) up."""
import argparse
import datetime
import fnmatch
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import enforce  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

MODES, CLIENTS = ('simple', 'extended', 'prepared'), (1, 8, 32)
RECORDED = ('write', 'flush')
ALL = ('direct', 'pgbouncer', 'observe') + RECORDED
PLAIN = ('direct', 'pgbouncer', 'observe')
ENFORCED = PLAIN + ('enforce',)
MASKED = ('direct', 'pgbouncer') + RECORDED + ('enforce-write', 'enforce-flush')


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--gatehouse', required=True)
    p.add_argument('--tools', required=True, help='folder of pgclient, ledger_bench and budget_bench')
    p.add_argument('--quick', action='store_true', help='runs of 2 s, a smaller stream: to see that it works')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--seconds', type=int, help='length of one pgbench run (5)')
    p.add_argument('--workers', type=int, default=0, help='threads of the gate (0: one for each core, the default of gatehouse.conf)')
    p.add_argument('--only', action='append', default=[], help='shell pattern of series; may repeat')
    p.add_argument('--output', help='write the report here (a whole run: bench/RESULTS.md)')
    p.add_argument('--folder', help='make the private folder here: the ledger\'s disk is measured too (/tmp)')
    p.add_argument('--keep', action='store_true', help='keep the private folder')
    args = p.parse_args()
    args.seconds = args.seconds or (2 if args.quick else 5)
    args.gatehouse, args.tools = os.path.abspath(args.gatehouse), os.path.abspath(args.tools)
    return args


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return 'unknown'
    return done.stdout.splitlines()[0].strip() if done.stdout else 'unknown'


def versions(args, world):
    """What was measured, on what; not which machine it was."""
    kind = first_line('stat', '-f', '-c', '%T', world.folder)
    commit = first_line('git', '-C', servers.ROOT, 'describe', '--always', '--dirty', '--abbrev=10')
    return {
        'gatehouse': '%s (commit %s), workers = %s' % (first_line(args.gatehouse, '--version'), commit, args.workers or 'number of cores'),
        'PostgreSQL': world.server.psql('SHOW server_version'),
        'PgBouncer': first_line('/usr/sbin/pgbouncer', '--version'),
        'OpenSSL': first_line('openssl', 'version'),
        'size': '%d cores; ledger on %s' % (os.cpu_count(), kind),
    }


class Bench:
    def __init__(self, args, world):
        self.args, self.world = args, world
        self.runs = {}  # (series, endpoint) -> [figures of a round]
        self.turn = 0

    def wanted(self, series):
        return not self.args.only or any(fnmatch.fnmatch(series, p) for p in self.args.only)

    def add(self, series, name, figures):
        self.runs.setdefault((series, name), []).append(figures)
        print('  %-22s %-10s %s' % (series, name, '  '.join('%s %s' % (k, report.figure(v)) for k, v in figures.items())), flush=True)

    def each(self, series, names, function):
        """One series of one round: every endpoint, beginning with another one each time."""
        if not self.wanted(series):
            return
        start = self.turn % len(names)
        self.turn += 1
        for name in names[start:] + names[:start]:
            self.add(series, name, function(self.world.endpoints[name]))

    def round(self):
        args, tools, folder = self.args, self.args.tools, self.world.folder
        for clients in CLIENTS:
            for mode in MODES:
                self.each('queries.%s.%d' % (mode, clients), ALL,
                          lambda e, m=mode, c=clients: measure.queries(e, folder, m, c, args.seconds))
        for mode, clients in (('extended', 8), ('prepared', 8), ('prepared', 32)):
            self.each('tls.%s.%d' % (mode, clients), PLAIN,
                      lambda e, m=mode, c=clients: measure.queries(e, folder, m, c, args.seconds, tls=True))
        rows, times = (200000, 3) if args.quick else (1000000, 4)
        self.each('stream', ALL, lambda e: measure.stream(e, tools, rows, times))
        self.each('logins', PLAIN, lambda e: measure.logins(e, folder, args.seconds))
        self.each('logins-tls', PLAIN, lambda e: measure.logins(e, folder, args.seconds, tls=True))
        self.enforced(rows, times)
        if self.wanted('ledger'):
            for durability in RECORDED:
                path = os.path.join(folder, 'ledger-bench')
                self.add('ledger', durability, measure.ledger(tools, path, durability))
                shutil.rmtree(path)
        if self.wanted('budgets'):
            for threads in (1, 2):
                self.add('budgets', '%d thread%s' % (threads, 's' * (threads > 1)), measure.budgets(tools, threads))

    def enforced(self, rows, times):
        folder, seconds = self.world.folder, self.args.seconds
        for statement in enforce.STATEMENTS:
            for what in ('new', 'seen'):
                self.each('enforce-%s.%s' % (what, statement), ENFORCED,
                          lambda e, t=enforce.script(statement, what == 'new'): measure.queries(e, folder, 'simple', 1, seconds, script=t))
        for clients in CLIENTS:
            for mode in MODES:
                self.each('enforce.%s.%d' % (mode, clients), ENFORCED,
                          lambda e, m=mode, c=clients: measure.queries(e, folder, m, c, seconds, script=enforce.SEEN))
                self.each('enforce-masked.%s.%d' % (mode, clients), MASKED,
                          lambda e, m=mode, c=clients: measure.queries(e, folder, m, c, seconds, script=enforce.MASKED))
        self.each('enforce-stream', MASKED, lambda e: measure.stream(e, self.args.tools, rows, times))

    def idle(self):
        """Once, on processes that have just been started: memory that was needed before is not given back."""
        if not self.wanted('idle'):
            return
        self.add('idle', 'observe, logged in', measure.idle(self.world.endpoints['observe'], self.args.tools, ''))
        sql = 'SELECT id, full_name, phone FROM people LIMIT 20'
        for e in ('pgbouncer', 'observe', 'flush', 'enforce'):
            self.add('idle', e + ', has queried', measure.idle(self.world.endpoints[e], self.args.tools, sql))

    def medians(self):
        out = {}
        for key, rounds in self.runs.items():
            out[key] = {k: statistics.median(r[k] for r in rounds) for k in rounds[0] if all(r.get(k) is not None for r in rounds)}
        return out


def run(args, folder):
    world = None
    try:
        world = servers.World(folder, args.gatehouse, args.workers)
        bench = Bench(args, world)
        about = versions(args, world)
        began = datetime.datetime.now(datetime.timezone.utc)
        bench.idle()
        for n in range(args.rounds):
            print('round %d of %d, after %.0f s' % (n + 1, args.rounds, (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds()), flush=True)
            bench.round()
            world.round_done()
        recorded = sum(getattr(e, 'verified', 0) for e in world.endpoints.values())
    finally:
        if world:
            world.stop()
    words = [os.path.relpath(w, servers.ROOT) if w.startswith(servers.ROOT) else os.path.basename(w) if w.startswith('/') else w
             for w in sys.argv[1:]]
    about = {'command': 'bench/run.py ' + ' '.join(map(shlex.quote, words)), 'date': began.strftime('%Y-%m-%d %H:%M UTC'),
             'rounds': '%d interleaved, medians; pgbench runs of %d s' % (args.rounds, args.seconds),
             'load average at the end': '%.1f' % os.getloadavg()[1],
             'ledger': '%d entries written in this run, verified after each round' % recorded, **about}
    return report.report(about, bench.medians())


def main():
    args = arguments()

    def interrupted(signum, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupted)
    folder = tempfile.mkdtemp(prefix='gh-bench-', dir=args.folder or '/tmp')
    start = time.monotonic()
    try:
        text = run(args, folder)
    finally:
        if args.keep:
            print('#', folder, file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print('\n' + text)
    output = args.output or (None if args.only or args.quick else os.path.join(servers.ROOT, 'bench', 'RESULTS.md'))
    if output:
        with open(output, 'w', encoding='utf-8') as f:
            f.write(text)
    print('# %.0f s' % (time.monotonic() - start))


if __name__ == '__main__':
    main()
