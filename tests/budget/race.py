"""64 sessions race for a budget of 1,000: exactly 1,000 different people leave, and the ledger has the same ones. Also while the gate or the keeper is killed, and while
clients go away, cancel, and take transactions back: then the ledger has exactly 1,000 in the end, and nobody got a row that is not there."""
import os
import random
import signal
import struct
import threading
import time

from ground import CUSTOMERS, SESSIONS, USED_UP, Ground, Race, Runner, run_all
from lib import pgwire
from lib.pgwire import Closed, ServerError

BUDGET = 1000
LOST = (ServerError, Closed, OSError, struct.error)


def until_used_up(r, rng, most=16, also=()):
    """Asks in all ways until an answer is cut; returns what other errors there were."""
    for _ in range(2000):
        codes = r.ask(rng.choice(Runner.FORMS), r.some(rng, most), rng)
        other = [c for c in codes if c not in (USED_UP, '25P02', '34000', *also)]  # behind a cut, a transaction has failed and has no cursor
        if other:
            raise AssertionError('errors %s' % other)
        if USED_UP in codes:
            return
    raise AssertionError('2000 statements and no end of the budget')


def exact(race, all_recorded):
    """Faults of a race in which nothing was killed."""
    faults, recorded = list(race.faults), race.recorded(all_recorded)
    if len(race.received) != BUDGET:
        faults.append('%s of %s: %d customers left' % (race.group, race.org, len(race.received)))
    if race.received != recorded:
        faults.append('%s of %s: %d received and not recorded, %d recorded and not received' % (race.group, race.org, len(race.received - recorded), len(recorded - race.received)))
    return faults


def still(race, runner):
    """Nobody else comes, whoever was seen comes again."""
    runner.enter(race)
    fresh = sorted(set(range(1, CUSTOMERS + 1)) - race.received)
    keys, codes = runner.rest(fresh)
    if keys or codes != [USED_UP]:
        race.faults.append('%s of %s: afterwards %d more came, %s' % (race.group, race.org, len(keys), codes))
    seen = set(race.received)
    keys, codes = runner.rest(sorted(seen))
    if keys != seen or codes:
        race.faults.append('%s of %s: %d of %d come again, %s' % (race.group, race.org, len(keys), len(seen), codes))


def plain(ground, rounds, seed):
    """rounds of one person's budget and as many of an employer's, in turn. Faults, and what was done."""
    runners = [Runner(ground, i) for i in range(SESSIONS)]
    races, began = [], time.monotonic()
    for n in range(2 * rounds):
        race = Race(ground, *(('thousand', 1), ('firm', 8))[n % 2])
        run_all(race, runners, lambda r, i: until_used_up(r, random.Random(seed * 1000003 + n * 64 + i)))
        if not race.faults:
            still(race, runners[0])
        races.append(race)
    for r in runners:
        r.drop()
    on_record = ground.recorded()
    faults = [f for race in races for f in exact(race, on_record)]
    return faults, '%d races of 64 sessions for one person\'s 1,000 and %d for an employer\'s, %.1f s each: exactly 1,000 left, the same 1,000 are on record' % (
        rounds, rounds, (time.monotonic() - began) / max(1, 2 * rounds))


# ---- with deaths ----

def stubborn(r, rng, race, stop):
    """As until_used_up, with a new session whenever one is lost. A cut may have been for places that come back when a session dies: only `settle` says the end."""
    cut = False
    while not cut and not stop.is_set():
        try:
            if r.c is None:
                r.enter(race)
            codes = r.ask(rng.choice(Runner.FORMS), r.some(rng, 16), rng)
            cut = USED_UP in codes
        except LOST:
            r.drop()
            time.sleep(0.02 + rng.random() * 0.1)


def rude(r, rng, race, stop):
    """As stubborn, but many answers are not waited for: closed in the middle, cancelled, taken back."""
    while not stop.is_set():
        try:
            if r.c is None:
                r.enter(race)
            ids, form = r.some(rng, 24), rng.choice(Runner.FORMS)
            what = rng.random()
            if what < 0.15:
                r.c.send(form(r, ids, rng)[0])
                if rng.random() < 0.7:
                    time.sleep(rng.random() * 0.01)
                r.drop()
                continue
            if what < 0.3:
                data, answers, how = form(r, ids, rng)
                r.c.send(data)
                time.sleep(rng.random() * 0.005)
                pgwire.cancel(r.ground.target, r.c.key, unix=True)
                codes = r.read(answers, how)
                if any(c in ('57014', '25P02') for c in codes):
                    r.c.ask(pgwire.query('rollback'))
            else:
                codes = r.ask(form, ids, rng)
            if USED_UP in codes:
                return
        except LOST:
            r.drop()
            time.sleep(0.02)


def settle(race, runner, limit=30):
    """One session, alone, goes on to the end of the budget, and finds it there half a second later still: what was pending when the keeper died has come back. Then whoever
    is on record comes again, nobody else. Faults."""
    end, faults, since = time.monotonic() + limit, [], None
    while True:
        try:
            runner.enter(race)
            keys, codes = runner.rest(sorted(set(range(1, CUSTOMERS + 1)) - race.received))
            if keys or codes != [USED_UP]:
                since = None
            elif since is None:
                since = time.monotonic()
            elif time.monotonic() - since > 0.5:
                break
            if codes not in ([USED_UP], []):
                raise AssertionError('unexpected %s' % codes)
        except LOST as e:
            runner.drop()
            if time.monotonic() > end:
                return ['%s: the budget cannot be used up after %d s: %s' % (race.org, limit, e)]
        if time.monotonic() > end:
            return ['%s: the budget is not used up after %d s' % (race.org, limit)]
        time.sleep(0.05)
    recorded = race.recorded(race.ground.recorded())
    missing = sorted(recorded - race.received)
    keys, codes = runner.rest(missing)
    if keys != set(missing) or codes:
        faults.append('%s: of %d that are on record and were not received, %d come: %s' % (race.org, len(missing), len(keys), codes))
    return faults + after(race, recorded)


def after(race, recorded):
    faults = list(race.faults)
    if len(recorded) != BUDGET:
        faults.append('%s: %d customers are on record' % (race.org, len(recorded)))
    if race.received - recorded:
        faults.append('%s: %d were received and are not on record' % (race.org, len(race.received - recorded)))
    return faults


def killer(ground, race, roles, rng, stop):
    """Kills these roles, each when so many customers have come, and waits for the next."""
    marks = sorted(rng.randint(60, 900) for _ in roles)

    def watch():
        end = time.monotonic() + 6  # the runners may have ended before
        for role, at in zip(roles, marks):
            while len(race.received) < at and time.monotonic() < end:
                time.sleep(0.002)
            pid = ground.g.role_pid(role)
            if pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                race.killed += 1
    return watch


def deaths(ground, rounds, roles, seed, body=stubborn):
    """rounds races, each with these roles killed in the middle. Faults, and what was done."""
    rng, faults, killed, returned = random.Random(seed), [], 0, 0
    began = time.monotonic()
    for n in range(rounds):
        runners = [Runner(ground, i) for i in range(SESSIONS)]
        race, stop = Race(ground, *(('thousand', 1), ('firm', 8))[n % 2]), threading.Event()
        race.killed = 0
        run_all(race, runners, lambda r, i: body(r, random.Random(seed * 7919 + n * 64 + i), race, stop), killer(ground, race, roles, rng, stop))
        before = len(race.received)
        ground.restart() if n % 2 and 'gate' in roles else None  # and what was rebuilt from the ledger says the same
        for r in runners:
            r.drop()
        faults += settle(race, Runner(ground, 0))
        killed += race.killed
        returned += BUDGET - before
        if roles:
            ground.restart()
        if len(faults) > 10:
            break
    if roles and not killed:
        faults.append('nothing was killed')
    return faults, '%d races, %d killed, %.1f s each: in the end exactly 1,000 are on record, nobody got a row that is not' % (rounds, killed, (time.monotonic() - began) / max(1, rounds))


def run(tap, stand, args):
    full = args.full
    jobs = (('race', lambda g: plain(g, 50 if full else args.rounds, args.seed)),
            ('race.rude clients', lambda g: deaths(g, 20 if full else 2, (), args.seed, rude)),
            ('race.gate killed', lambda g: deaths(g, 20 if full else 2, ('gate',), args.seed)),
            ('race.keeper killed', lambda g: deaths(g, 20 if full else 2, ('keeper',), args.seed)),
            ('race.both killed', lambda g: deaths(g, 20 if full else 1, ('gate', 'keeper', 'gate'), args.seed)))
    for name, job in jobs:
        if tap.wanted(name):
            tap.result(name, *job(Ground(stand, 'r-' + name.replace(' ', '-').replace('.', '-')).start()))
