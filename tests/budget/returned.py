"""What was not delivered comes back to the budget as far as it is not on record: the keeper dies, its disk is full, clients go away, statements fail or are cancelled.
What was seen is not taken back by a ROLLBACK."""
import ctypes
import mmap
import os
import signal
import sys
import time

from ground import USED_UP, Ground, Race, Runner, between
from lib import pgwire
from lib.env import until
from lib.pgwire import Closed, ServerError, query

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fault'))
import syscalls  # noqa: E402

GONE = (ServerError, Closed, OSError)


def ask(r, race, sql):
    """(customers, codes) of one statement in a session that may be new."""
    if r.c is None:
        r.enter(race)
    race.received = set()
    codes = r.ask(lambda *_: (query(sql), 1, 'text'), [], None)
    return race.received, codes


def holds(faults, r, race, first, last, want, what):
    """These are asked for, and exactly so many come; fewer than all: cut."""
    end = time.monotonic() + 10
    while True:
        try:
            keys, codes = ask(r, race, between(first, last, ' order by id'))
            break
        except GONE:  # the keeper is not back yet
            r.drop()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    if len(keys) != want or codes != ([] if want == last - first + 1 else [USED_UP]):
        faults.append('%s: %d of %d to %d came, not %d: %s' % (what, len(keys), first, last, want, codes))


def waiting(ground, race, n):
    """A session whose n rows wait for a keeper that stands still; it and the keeper's process."""
    r = Runner(ground, 0)
    r.enter(race)
    r.c.ask(query(between(1, 1)))  # its text and its log-in are recorded: what follows is one entry
    keeper = ground.g.role_pid('keeper')
    os.kill(keeper, signal.SIGSTOP)
    r.c.send(query(between(1, n)))
    time.sleep(0.3)
    return r, keeper


def keeper_dies(ground):
    """Rows wait when the keeper is killed: it never read of them. All but the one that was seen before count for nothing."""
    faults, race = [], Race(ground, 'thousand')
    r, keeper = waiting(ground, race, 400)
    os.kill(keeper, signal.SIGKILL)
    try:
        codes = r.read(1, 'text')
        faults.append('the rows came: %s' % codes)
    except GONE as e:
        if isinstance(e, ServerError) and e.code != '58030':
            faults.append(str(e))
    if race.received:
        faults.append('%d rows came' % len(race.received))
    r.drop()
    until(lambda: ground.g.role_pid('keeper') not in (None, keeper), 10, 'a keeper')
    time.sleep(1)  # the gate has asked it
    holds(faults, r, race, 1001, 1999, 999, 'others')
    holds(faults, r, race, 1, 1, 1, 'the one seen before')
    holds(faults, r, race, 2, 400, 0, 'those who were not shown')
    return faults, 'keeper killed with 399 rows waiting: 999 others came'


def client_goes(ground, dies):
    """The client goes away while its rows wait. What the keeper then writes counts; if it dies before, it does not."""
    faults, race = [], Race(ground, 'thousand')
    r, keeper = waiting(ground, race, 400)
    r.drop()
    time.sleep(0.1)
    os.kill(keeper, signal.SIGKILL if dies else signal.SIGCONT)
    if dies:
        until(lambda: ground.g.role_pid('keeper') not in (None, keeper), 10, 'a keeper')
    time.sleep(1)
    recorded = race.recorded(ground.recorded())
    if len(recorded) != (1 if dies else 400):
        faults.append('%d are on record' % len(recorded))
    free = 1000 - len(recorded)
    holds(faults, r, race, 1001, 1000 + free, free, 'others')
    holds(faults, r, race, 2000, 2000, 0, 'one more')
    holds(faults, r, race, 1, len(recorded), len(recorded), 'those on record')
    return faults, 'client gone with 399 rows waiting, keeper %s: %d on record, %d others came' % ('killed' if dies else 'goes on', len(recorded), free)


def disk_full(stand):
    """The keeper cannot write: nothing is shown, nothing counts."""
    ground = Ground(stand, 'disk')
    path = os.path.join(ground.g.folder, 'fault')
    with open(path, 'wb') as f:
        f.write(bytes(ctypes.sizeof(syscalls.Control)))
    os.chmod(path, 0o666)
    with open(path, 'r+b') as f:
        control = syscalls.Control.from_buffer(mmap.mmap(f.fileno(), 0))
    os.environ.update(GATEHOUSE_FAULT=path, LD_PRELOAD=syscalls.build(stand))
    if stand.sanitized:
        os.environ['ASAN_OPTIONS'] += ':verify_asan_link_order=0'
    try:
        ground.g.start(wait=False)
    finally:
        del os.environ['GATEHOUSE_FAULT'], os.environ['LD_PRELOAD']
    ground.g.wait_up()
    faults, race, r = [], Race(ground, 'thousand'), Runner(ground, 0)
    ask(r, race, between(1, 1))
    time.sleep(0.5)  # what that left to write
    control.kind, control.at, control.action = syscalls.CALLS.index('pwrite') + 1, 1, syscalls.ACTIONS['ENOSPC']
    control.armed = 1
    try:
        faults.append('rows came: %s' % (ask(r, race, between(1, 400)),))
    except ServerError as e:
        if e.code != '53100':
            faults.append(str(e))
    if race.received:
        faults.append('%d rows came' % len(race.received))
    r.drop()
    time.sleep(0.5)
    control.armed = 0
    recorded = race.recorded(ground.recorded())  # a second part of the answer may have come when there was room again: nobody saw it, but that is not known for sure
    free = 1000 - len(recorded)
    if free < 600:
        faults.append('%d are on record' % len(recorded))
    holds(faults, r, race, 1001, 1000 + free, free, 'others')
    holds(faults, r, race, 2000, 2000, 0, 'one more')
    return faults, 'the disk was full: %d on record, %d others came' % (len(recorded), free)


def fails_midway(ground):
    """A statement that fails, or is cancelled, behind rows that were shown."""
    faults, race, r = [], Race(ground, 'thousand'), Runner(ground, 0)
    keys, codes = ask(r, race, 'select c.id, c.full_name, 1 / (p.id - 3) from customers c, products p where c.id <= 100 order by p.id, c.id')
    if codes == ['22012']:
        shown = len(keys)
    else:
        return ['it does not fail midway: %d rows, %s' % (len(keys), codes)], ''
    recorded = race.recorded(ground.recorded())
    if recorded != keys:
        faults.append('%d shown, %d on record' % (len(keys), len(recorded)))
    holds(faults, r, race, 1001, 2000 - shown, 1000 - shown, 'others')
    holds(faults, r, race, 1999, 2000, 0, 'more')
    return faults, 'failed behind %d that were shown: %d others came' % (shown, 1000 - shown)


def rollback(ground):
    faults, race, r = [], Race(ground, 'thousand'), Runner(ground, 0)
    r.enter(race)
    for words in (('begin',), ('begin', 'savepoint a')):
        for w in words:
            ask(r, race, w)
        first = 1 if len(words) == 1 else 301
        holds(faults, r, race, first, first + 299, 300, 'within a transaction')
        for w in ('rollback to a', 'rollback') if len(words) == 2 else ('rollback',):
            ask(r, race, w)
    holds(faults, r, race, 1001, 1500, 400, 'behind ROLLBACK')
    holds(faults, r, race, 1, 600, 600, 'seen before ROLLBACK')
    return faults, '600 seen in transactions that were taken back: 400 others came'


def cancelled(ground):
    """Cancelled while rows wait for their receipt: they are on record, so they count."""
    faults, race = [], Race(ground, 'thousand')
    r, keeper = waiting(ground, race, 400)
    pgwire.cancel(ground.target, r.c.key, unix=True)
    time.sleep(0.1)
    os.kill(keeper, signal.SIGCONT)
    codes = r.read(1, 'text')
    shown, recorded = set(race.received), race.recorded(ground.recorded())
    if codes not in ([], ['57014']) or not shown <= recorded:
        faults.append('%s; %d shown, %d on record' % (codes, len(shown), len(recorded)))
    free = 1000 - len(recorded)
    holds(faults, r, race, 1001, 1000 + free, free, 'others')
    holds(faults, r, race, 2000, 2000, 0, 'one more')
    return faults, 'cancelled with %d on record: %d others came' % (len(recorded), free)


def run(tap, stand, args):
    jobs = (('returned.keeper dies', keeper_dies), ('returned.client goes', lambda g: client_goes(g, False)), ('returned.client and keeper go', lambda g: client_goes(g, True)),
            ('returned.fails midway', fails_midway), ('returned.rollback', rollback), ('returned.cancelled', cancelled))
    ground = None
    for name, job in jobs:
        if tap.wanted(name):
            ground = ground or Ground(stand, 'returned').start()
            tap.result(name, *job(ground))
    if tap.wanted('returned.disk full'):
        tap.result('returned.disk full', *disk_full(stand))
