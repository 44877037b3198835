#!/usr/bin/python3
"""The bypass corpus: does anything protected come out of a gateway that masks and refuses?

    tests/bypass/run.py [--binary PATH]                   our gate, our databases
    tests/bypass/run.py --direct                          without a gateway: every attack must leak (else it is no test)
    tests/bypass/run.py --dsn-a DSN --dsn-b DSN --dsn-a2 DSN [--around-a DSN ...]    any gateway; --fixture prints what to load
    tests/bypass/run.py --only PATTERN   --list   --show NAME   --keep   --fixture a|b   --policy

Each attack is run on two databases that differ only in protected values (A and B) and on a copy of the first (A2); all that is observed must be
the same on A and B, apart from noise. Then the legitimate statements must work. `ok`/`not ok` lines; the last line is `N passed, N failed`.
GATEHOUSE_E2E_PORTS: the first of the ports used (8000)."""
import sys

sys.path.pop(0)  # put back below, behind Python's own modules: random.py here must not hide `random`
import argparse  # noqa: E402
import fnmatch  # noqa: E402
import os  # noqa: E402
import pickle  # noqa: E402
import signal  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), 'e2e')]
sys.path.append(HERE)
sys.dont_write_bytecode = True

from harness import audit, corpus, judge, legit, scene, stand  # noqa: E402
import random_sql  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--binary', help='the gatehouse program (default: the one under build/)')
    p.add_argument('--direct', action='store_true', help='against PostgreSQL itself: each attack must leak')
    p.add_argument('--only', action='append', default=[], help='shell pattern on the name, or part of it; may repeat')
    p.add_argument('--dsn-a', help='host= port= dbname= of database A through the gateway'), p.add_argument('--dsn-b'), p.add_argument('--dsn-a2')
    p.add_argument('--around-a', help='the same database without the gateway, for the administrator'), p.add_argument('--around-b'), p.add_argument('--around-a2')
    p.add_argument('--fixture', choices=('a', 'b'), help='print the SQL of one side')
    p.add_argument('--policy', action='store_true', help='print the policy')
    p.add_argument('--list', action='store_true')
    p.add_argument('--show', action='store_true', help='print what was observed on A')
    p.add_argument('--keep', action='store_true', help='keep the folder')
    args = p.parse_args()
    root = os.path.dirname(os.path.dirname(HERE))
    if not args.binary and os.access(os.path.join(root, 'build/src/gatehouse'), os.X_OK):
        args.binary = os.path.join(root, 'build/src/gatehouse')
    args.binary = args.binary and os.path.abspath(args.binary)
    return args


class Tap:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.again, self.open, self.start = [], [], time.monotonic()

    def result(self, name, faults, note=''):
        if not faults:
            self.passed += 1
            print('ok %s%s' % (name, note and ' # ' + note), flush=True)
            return
        self.failed += 1
        self.again.append('%s: %s' % (name, faults[0]))
        print('not ok %s # %s' % (name, ' '.join(faults[0].split())[:300]), flush=True)
        for fault in faults[1:6]:
            print('#   ' + fault[:300])

    def known(self, name, why):
        self.passed += 1
        self.open.append(name)
        print('ok %s # OPEN %s' % (name, why))

    def skip(self, name, why):
        self.skipped += 1
        print('ok %s # SKIP %s' % (name, why))

    def end(self):
        print('# %.0f s' % (time.monotonic() - self.start))
        if self.open:
            print('# known and left open: %s' % ', '.join(self.open))
        for fault in self.again:
            print('# failed: ' + fault[:240])
        print('%d passed, %d failed%s' % (self.passed, self.failed, ', %d skipped' % self.skipped if self.skipped else ''))
        return 1 if self.failed or not self.passed else 0


PROTECTED = ' UNION '.join('SELECT %s::text FROM public.%s WHERE length(%s) > 5' % (c, t, c) for t, c in (
    ('customers', 'full_name'), ('customers', 'phone'), ('customers', 'apple_id'), ('customers', 'address'), ('devices', 'serial'), ('calls', 'number'), ('staff_notes', 'body')))


def side_process(side, attacks, path, args):
    """Runs all attacks on one side. Never returns."""
    seen, values = {}, set()
    if any(a.races for a in attacks) and side.around:
        c = scene.administrator(side)
        values = {v.decode() for v, in c.rows(PROTECTED)}
        c.close()
    for n, a in enumerate(attacks):
        s, fault = scene.Scene(side, a.user), None
        if a.ledger:
            s.application = 'bypass-%d' % n
        try:
            a.run(s)
        except Exception as e:
            fault = '%s: %s (%s)' % (type(e).__name__, e, traceback.format_exc().strip().splitlines()[-2].strip())
        if a.races and not args.direct and not fault:
            shown = judge.clear(s.tokens, values)
            fault = 'protected values in rows: %s' % shown[:4] if shown else None
        try:
            s.done(a.reset and side.around is not None)
        except Exception as e:
            fault = fault or 'afterwards: %s: %s' % (type(e).__name__, e)
        seen[a.full] = (s.tokens, fault, s.application, s.delivered)
    with open(path, 'wb') as f:
        pickle.dump(seen, f)
    sys.stdout.flush()
    os._exit(0)


def observe(place, attacks, args):
    """What every side saw: [{name: (tokens, fault)}] in the order A, B, A2."""
    children = []
    for side in place.sides:
        path = os.path.join(place.folder or '/tmp', 'seen-%s-%d' % (side.name, os.getpid()))
        pid = os.fork()
        if pid == 0:
            try:
                side_process(side, attacks, path, args)
            finally:
                traceback.print_exc()
                os._exit(1)
        children.append((pid, path))
    out = []
    for pid, path in children:
        os.waitpid(pid, 0)
        with open(path, 'rb') as f:
            out.append(pickle.load(f))
        os.unlink(path)
    return out


def verdict(a, views, args, tap):
    sides = [v[a.full] for v in views]
    faults = ['%s: %s' % (n, f) for n, (_, f, _, _) in zip(('A', 'B', 'A2'), sides) if f]
    views = [s[0] for s in sides]
    if a.races and not args.direct:
        views = judge.settled(*views)
    differ, loud = ([], 0) if a.given and not args.direct else judge.compare(*views)
    if args.show:
        print('# %s' % a.full)
        for t in sides[0][0][-int(os.environ.get("BYPASS_SHOW", 60)):]:
            print('#   ' + t[:200])
        for d in differ[:8]:
            print('#   differs: ' + d[:300])
    if args.direct:
        if a.direct and differ:
            faults.append('leaks directly, but is said not to')
        if not a.direct and (not differ or loud is None):
            faults.append('does not leak directly' if not differ else 'noise: ' + differ[0])
        if a.each:
            answers = [judge.answers(s[0]) for s in sides]
            faults += ['does not leak directly: answer %d: %s' % (i, x[-3:]) for i, (x, y) in enumerate(zip(*answers[:2])) if i and x == y]
        tap.result(a.full, faults, a.direct or '')
        return
    faults += judge.broken(sides[0][0], a.ends)
    if a.open and differ:
        tap.known(a.full, a.open)
        return
    faults += differ
    tap.result(a.full, faults, '%d tokens were noise' % loud if loud else '')


def main():
    args = arguments()

    def wanted(name):
        return not args.only or any(fnmatch.fnmatch(name, p) or p in name for p in args.only)
    if args.fixture or args.policy:
        print(stand.policy() if args.policy else stand.fixture(args.fixture, 1))
        return 0
    attacks = [a for a in corpus.load() if wanted(a.full)]
    good = [g for g in legit.load() if wanted(g.full)]
    if args.list:
        print('\n'.join(a.full for a in attacks + good))
        print('# %d attacks, %d legitimate statements' % (len(attacks), len(good)))
        return 0
    if not args.direct and not args.dsn_a and not args.binary:
        print('no gatehouse program: build it, give --binary, or use --direct', file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tap, place, status = Tap(), stand.Stand(args), 1
    try:
        with place:
            print('# %.1f s to start%s' % (time.monotonic() - tap.start, ' in ' + place.folder if place.folder else ''), flush=True)
            for a in [a for a in attacks if a.around and not place.sides[0].around]:
                tap.skip(a.full, 'needs a way around the gateway')
                attacks.remove(a)
            if place.sides[0].gate and not args.only:
                # First: later the files differ by what was written in which moment of a schema change, and so do the costs in plans.
                random_sql.short(place.sides, tap)
            if attacks:
                views = observe(place, attacks, args)
                for a in attacks:
                    verdict(a, views, args, tap)
                print('# %.1f s: attacks done' % (time.monotonic() - tap.start), flush=True)
                if place.gates:
                    audit.check([(a, *views[0][a.full][2:]) for a in attacks if a.ledger], place.sides[0].gate, tap)
            legit.run(place.sides[0], good, tap, args)
            if place.gates:
                tap.result('stop', place.stop_gates())
    except Exception as e:
        traceback.print_exc()
        tap.result('the suite itself', ['%s: %s' % (type(e).__name__, e)])
    finally:
        status = tap.end()
        if status == 0 and not args.keep:
            place.remove()
    return status


if __name__ == '__main__':
    sys.exit(main())
