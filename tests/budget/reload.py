"""A policy is loaded in the middle of a race: the budget is exact all the same; a lower one stops who is over it, a higher one lets exactly so many more through; one that
is new counts what the ledger has of its window, and what was on its way while it was loaded."""
import random
import threading
import time

from ground import USED_UP, Ground, Race, Runner, run_all
from lib.pgwire import query
from race import exact, still, until_used_up

THOUSAND = 'budget 1000 customers per hour for each actor'
AGAIN = ('0A000',)  # what was bound or declared before the reload is not run on
LEAD = 'group lead       { treat enforce }'


def persistent(r, rng, stop, pause):
    """Goes on when the budget is used up."""
    while not stop.is_set():
        codes = r.ask(rng.choice(Runner.FORMS), r.some(rng, 4), rng)
        other = [c for c in codes if c not in (USED_UP, '25P02', '34000', *AGAIN)]
        if other:
            raise AssertionError('errors %s' % other)
        time.sleep(pause * rng.random())


def wait(race, n, limit=20):
    end = time.monotonic() + limit
    while len(race.received) < n:
        if time.monotonic() > end or race.faults:
            race.faults.append('%d customers after %d s, not %d' % (len(race.received), limit, n))
            return False
        time.sleep(0.005)
    return True


def stays(race, n, what, seconds=0.6):
    """So many, and no more while everybody goes on; or as many as there were when the policy came into force, if it took that long."""
    time.sleep(0.2)
    n = max(n, len(race.received))
    wait(race, n)
    time.sleep(seconds)
    if len(race.received) != n:
        race.faults.append('%s: %d customers, not %d' % (what, len(race.received), n))
    return n


def with_policies(ground, group, watch, seed, sessions=32, pause=0.1):
    """A race that goes on while watch(race) loads policies. Faults."""
    race, stop = Race(ground, group), threading.Event()
    runners = [Runner(ground, i) for i in range(sessions)]

    def all_of_it():
        try:
            watch(race)
        except Exception as e:
            race.faults.append('%s: %s' % (type(e).__name__, e))
        stop.set()
    run_all(race, runners, lambda r, i: persistent(r, random.Random(seed * 31337 + i), stop, pause), all_of_it)
    for r in runners:
        r.drop()
    recorded = race.recorded(ground.recorded())
    faults = list(race.faults)
    if recorded != race.received:
        faults.append('%s: %d received, %d on record' % (race.org, len(race.received), len(recorded)))
    return faults


def the_same(ground, seed):
    """Five reloads, each of another text that says the same."""
    race = Race(ground, 'thousand')
    runners = [Runner(ground, i) for i in range(64)]

    def watch():
        for i in range(5):
            ground.policy('{ treat enforce   ' + THOUSAND, '{ treat enforce %s ' % (' ' * (i + 3)) + THOUSAND)
    run_all(race, runners, lambda r, i: until_used_up(r, random.Random(seed * 11 + i), 4, AGAIN), watch)
    if not race.faults:
        still(race, runners[0])
    for r in runners:
        r.drop()
    return exact(race, ground.recorded()), '64 sessions, five reloads: exactly 1,000'


def lower_and_higher(ground, seed):
    def watch(race):
        wait(race, 50)
        ground.policy(THOUSAND, THOUSAND.replace('1000', '600'))
        n = stays(race, 600, 'lowered to 600')
        if n >= 1000:
            race.faults.append('the reload took too long to tell anything')
        ground.policy(THOUSAND, THOUSAND.replace('1000', '300'))
        stays(race, n, 'lowered to 300')
        ground.policy(THOUSAND, THOUSAND.replace('1000', '1200'))
        stays(race, 1200, 'raised to 1,200')
        ground.policy(THOUSAND, THOUSAND)
        stays(race, 1200, 'lowered to 1,000')
    return with_policies(ground, 'thousand', watch, seed), 'to 600, 300, 1,200 and 1,000 while 32 sessions go on: exactly 600, 600, 1,200, 1,200'


def added(ground, seed):
    faults, n = [], 2
    for i in range(n):
        def watch(race):
            wait(race, 100)
            ground.policy(LEAD, LEAD.replace('}', '  budget 1000 customers per day for each actor }'))
            if stays(race, 1000, 'a new budget', 1) != 1000:
                race.faults.append('%d customers' % len(race.received))
        ground.policy(LEAD, LEAD)
        faults += with_policies(ground, 'lead', watch, seed + i, 16, 0.2)
    return faults, '%d times a budget of 1,000 that is loaded while 16 sessions go on: exactly 1,000, those before it among them' % n


def lookups_once(ground, seed):
    """A look-up counts once, whatever is loaded or started after it."""
    faults, codes = [], []
    race, r = Race(ground, 'few'), Runner(ground, 0)

    def look(phone):
        r.enter(race)
        return r.ask(lambda *_: (query("select id from customers where phone = '%s'" % phone), 1, 'text'), [], None)
    codes += look('13800000001') + look('13999999999')
    ground.policy(LEAD, LEAD.replace('}', '  }'))
    if codes or look('13800000001') or look('13999999999') or look('13800000003'):
        faults.append('after a reload, the third of three look-ups is refused')
    if look('13800000004') != [USED_UP]:
        faults.append('after a reload, a fourth look-up of three is let through')
    ground.restart()
    r.drop()
    if look('13800000004') != [USED_UP]:
        faults.append('after a restart, a fourth look-up of three is let through')
    r.drop()
    return faults, 'look-ups count once, before and after a reload; a restart gives none back'


def run(tap, stand, args):
    for name, job in (('reload.the same', the_same), ('reload.lower and higher', lower_and_higher), ('reload.a new budget', added), ('reload.look-ups', lookups_once)):
        if tap.wanted(name):
            tap.result(name, *job(Ground(stand, 'l-' + name.split('.')[1].replace(' ', '-')).start(), args.seed))
